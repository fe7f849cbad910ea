// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace nibblesmith::evaluation {

/// Returns the stem of a lower-case word of [a-z0-9] by Porter's algorithm (M. F. Porter, "An algorithm for
/// suffix stripping", Program 14, 1980). Deviations, as in NLTK's PorterStemmer by default, which rouge_score
/// uses: a table of irregular words; "ies"/"ied" on words of four letters; y after a consonant always becomes
/// i; a two-letter vowel-consonant stem counts as *o; "bli", "fulli" and "logi" in step 2; "alli" before it.
std::string porterStem(std::string_view word);

} // namespace nibblesmith::evaluation
