// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"

namespace nibblesmith::tokenizer {

/// What a message says that it found: a number as it is, the beginning of a text, the kind of all else.
std::string shown(const base::Json& value);

} // namespace nibblesmith::tokenizer
