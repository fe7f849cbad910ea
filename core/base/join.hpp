// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <ranges>
#include <string>
#include <string_view>

namespace nibblesmith::base {

/// Appends `item` to a list in words: with the separator if `text` is not empty.
inline void appendTo(std::string& text, std::string_view item, std::string_view separator = ", ") {
  if (!text.empty())
    text += separator;
  text += item;
}

/// Returns the items as one text with separators between them: "a, b, c". projection: what of an item is
/// written.
template <std::ranges::input_range Items, typename Projection = std::identity>
std::string join(Items&& items, std::string_view separator = ", ", Projection projection = {}) {
  std::string text;
  bool isFirst = true;
  for (auto&& item : items) {
    if (!isFirst)
      text += separator;
    isFirst = false;
    text += std::invoke(projection, item);
  }
  return text;
}

} // namespace nibblesmith::base
