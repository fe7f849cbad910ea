// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"

#include <string>
#include <string_view>

namespace nibblesmith::tokenizer {

enum class UnicodeForm { Nfc, Nfd, Nfkc, Nfkd };

// Text conversions. Invalid UTF-8 bytes stay unchanged. All throw like Budget::step() and hold(); the memory
// of the result stays charged to the budget.

/// Converts to a Unicode normalization form (UAX #15).
std::string toForm(std::string_view text, UnicodeForm form, base::Budget& budget, std::string_view field);
/// Converts each character to lower case without context, like Rust's char::to_lowercase.
std::string toLowercase(std::string_view text, base::Budget& budget, std::string_view field);
/// Removes nonspacing marks (category Mn).
std::string withoutMarks(std::string_view text, base::Budget& budget, std::string_view field);

/// Return true if a white-space or word character begins at the byte.
bool blankBegins(std::string_view text, size_t at);
bool wordBegins(std::string_view text, size_t at);
/// Returns the length in bytes of the character before `at`; 0 at the beginning.
size_t characterBytesBefore(std::string_view text, size_t at);

} // namespace nibblesmith::tokenizer
