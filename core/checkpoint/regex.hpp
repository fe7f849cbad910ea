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

/// A compiled Perl-compatible regular expression over UTF-8, with Unicode classes (\p{L}, \s, \w). Patterns
/// come from files: their length is limited, and the work of matching counts in a budget that its caller
/// shares between all matches of a text. Immutable, any thread.
///
/// A match is first looked for by just-in-time compiled code, which cannot be interrupted: in a window of the
/// text, at some places, with few backtracking steps. PCRE2's partial matching tells where the end of the
/// window made a difference. What takes more than that is left to the interpreter, which calls back before
/// each item of the pattern. The result is that of one search over the whole text.
class Regex {
public:
  using Range = std::pair<size_t, size_t>; ///< byte offsets [first, second)

  /// origin: the file; field: the part of it that the pattern is from, if any. Throws base::Error{Corrupt}
  /// with both, the pattern and the position where it does not compile, {NotSupported} where it is too long.
  Regex(std::string_view pattern, const std::string& origin, const std::string& field = {});
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  /// The first match at or after byte `from`. `text` has to be valid UTF-8. Throws base::Error{NotSupported}
  /// where the budget or the memory does not suffice; base::Cancelled.
  std::optional<Range> find(std::string_view text, size_t from, base::Budget& budget) const;
  /// Whether a name from its first byte on matches, not necessarily to its end. Throws
  /// base::Error{NotSupported} where that takes too long.
  bool matchesStart(std::string_view name) const;

private:
  struct State;
  struct Matcher;
  std::optional<Range> findCounted(std::string_view text, size_t from, base::Budget& budget) const;
  [[noreturn]] void giveUp(int code, size_t at, size_t size) const;

  std::unique_ptr<State> m_state;
};

} // namespace nibblesmith::checkpoint
