// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nibblesmith::base {

/// Returns text from a file, a device or a model as one plain line for people. Bytes that are not UTF-8,
/// control characters and characters that change the direction of the text appear as escapes: "\xFF", "\n",
/// "\u202E". A text that is longer than maxBytes ends in "... (40000000 bytes)", its full length; the note
/// counts. Takes time for maxBytes only. A second call with the same limit changes nothing.
std::string foreignText(std::string_view text, size_t maxBytes = 200);

/// Returns a message of several lines for people: escapes as foreignText() does, but line ends and tabs stay.
/// A message that is longer than maxBytes loses its middle, since its beginning names the file and its end
/// says what to do. base::Error passes every message through this.
std::string messageText(std::string_view text, size_t maxBytes = 3000);

} // namespace nibblesmith::base
