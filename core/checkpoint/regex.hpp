// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace nibblesmith::checkpoint {

/// A compiled Perl-compatible regular expression over UTF-8, with Unicode classes (\p{L}, \s, \w). Patterns
/// come from files: their length and the steps of a match are limited. Immutable, any thread.
class Regex {
public:
  /// Throws base::Error{Corrupt} with `origin`, the pattern and the position where it does not compile.
  Regex(std::string_view pattern, const std::string& origin);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  /// The first match at or after byte `from`, as byte offsets [first, second). `text` has to be valid UTF-8.
  /// Throws base::Error{NotSupported} where a match takes too many steps.
  std::optional<std::pair<size_t, size_t>> find(std::string_view text, size_t from) const;
  /// Whether the text from its first byte on matches, not necessarily to its end. As find().
  bool matchesStart(std::string_view text) const;

private:
  struct State;
  std::unique_ptr<State> m_state;
};

} // namespace nibblesmith::checkpoint
