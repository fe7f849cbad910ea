// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace nibblesmith::tokenizer {

/// The bytes of a base64 text (RFC 4648, section 4; padding may be left out). Throws base::Error{Corrupt}
/// naming `origin` and the place of what is none.
std::string fromBase64(std::string_view text, const std::string& origin);

} // namespace nibblesmith::tokenizer
