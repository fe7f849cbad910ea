// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace nibblesmith::tokenizer {

/// Decodes base64 text (RFC 4648, section 4; padding is optional). Throws base::Error{Corrupt} naming
/// `origin` and the position of an invalid character.
std::string fromBase64(std::string_view text, const std::string& origin);

} // namespace nibblesmith::tokenizer
