// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace nibblesmith::evaluation {

/// Stem of a lower-case word of [a-z0-9] by Porter's algorithm (M. F. Porter, "An algorithm for suffix
/// stripping", Program 14, 1980), with the departures that NLTK's PorterStemmer makes by default and
/// rouge_score therefore measures with: a table of irregular words, "ies"/"ied" on words of four letters, y
/// after a consonant always to i, a two-letter vowel-consonant stem counts as *o, "bli", "fulli" and "logi"
/// in step 2, "alli" before all of it.
std::string porterStem(std::string_view word);

} // namespace nibblesmith::evaluation
