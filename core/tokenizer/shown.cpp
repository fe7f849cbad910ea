// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/shown.hpp"

namespace nibblesmith::tokenizer {

std::string shown(const base::Json& value) {
  if (value.is_string())
    return "'" + value.get_ref<const std::string&>().substr(0, 80) + "'";
  if (value.is_structured())
    return std::string(value.type_name()) + " of " + std::to_string(value.size());
  return value.dump();
}

} // namespace nibblesmith::tokenizer
