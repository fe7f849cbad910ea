// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"

#include <string>
#include <string_view>

namespace nibblesmith::tokenizer {

enum class UnicodeForm { Nfc, Nfd, Nfkc, Nfkd };

// Changes of a text. Bytes that are no UTF-8 stay as they are. All throw as Budget::step() and hold(); the
// memory of the result stays held.

/// Unicode's normalization forms (UAX #15).
std::string toForm(std::string_view text, UnicodeForm form, base::Budget& budget, std::string_view field);
/// Every character's own lower case, whatever stands beside it, as Rust's char::to_lowercase.
std::string toLowercase(std::string_view text, base::Budget& budget, std::string_view field);
/// Without nonspacing marks (category Mn).
std::string withoutMarks(std::string_view text, base::Budget& budget, std::string_view field);

/// Properties of the character that begins or ends at a byte; false where there is none.
bool blankBegins(std::string_view text, size_t at);
bool wordBegins(std::string_view text, size_t at);
/// Bytes of the character before `at`; 0 at the beginning.
size_t characterBytesBefore(std::string_view text, size_t at);

} // namespace nibblesmith::tokenizer
