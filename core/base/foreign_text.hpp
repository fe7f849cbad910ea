// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nibblesmith::base {

/// Returns untrusted text (from a file, device or model) as one printable line. Invalid UTF-8 bytes, control
/// characters and bidirectional control characters become escapes: "\xFF", "\n", "\u202E". Text longer than
/// maxBytes ends in "... (40000000 bytes)" with its full length; this note is included in maxBytes. Runs in
/// O(maxBytes). Idempotent for the same limit.
std::string foreignText(std::string_view text, size_t maxBytes = 200);

/// Returns a message of several lines in printable form: escapes like foreignText(), but keeps line ends and
/// tabs. A message longer than maxBytes loses its middle, because the beginning names the file and the end
/// tells what to do. base::Error passes every message through this.
std::string messageText(std::string_view text, size_t maxBytes = 3000);

} // namespace nibblesmith::base
