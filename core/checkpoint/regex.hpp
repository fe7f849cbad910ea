// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace nibblesmith::checkpoint {

/// Compiled Perl-compatible regular expression over UTF-8, with Unicode classes (`\p{L}`, `\s`, `\w`).
/// Patterns are untrusted: their length is limited, and matching is counted in a budget that the caller
/// shares between all matches of a text. Immutable; safe for concurrent use.
///
/// A match is first searched with JIT-compiled code, which cannot be interrupted. Each call is therefore
/// limited to a window of the text, some start positions and few backtracking steps. PCRE2's partial matching
/// detects that the end of the window affected the match. If these limits do not suffice, the interpreter
/// searches instead; it calls back before each item of the pattern. The result equals that of one search over
/// the whole text.
class Regex {
public:
  using Range = std::pair<size_t, size_t>; ///< byte offsets [first, second)

  /// Compiles a pattern. origin: the file; field: the field of the pattern, if any. Throws
  /// base::Error{Corrupt} with both, the pattern and the position of a syntax error; {NotSupported} if the
  /// pattern is too long.
  Regex(std::string_view pattern, const std::string& origin, const std::string& field = {});
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  /// Returns the first match at or after byte `from`. `text` must be valid UTF-8. Throws
  /// base::Error{NotSupported} if the budget or the memory does not suffice; base::Cancelled.
  std::optional<Range> find(std::string_view text, size_t from, base::Budget& budget) const;
  /// Returns true if the pattern matches at the beginning of `name`, not necessarily to its end. Throws
  /// base::Error{NotSupported} if matching takes too long.
  bool matchesStart(std::string_view name) const;

private:
  struct State;
  struct Matcher;
  std::optional<Range> findCounted(std::string_view text, size_t from, base::Budget& budget) const;
  [[noreturn]] void giveUp(int code, size_t at, size_t size) const;

  std::unique_ptr<State> m_state;
};

} // namespace nibblesmith::checkpoint
