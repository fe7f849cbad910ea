// SPDX-License-Identifier: Apache-2.0
#include "table.hpp"

#include "base/foreign_text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace nibblesmith::nsmith {

namespace {

/// Returns the number of characters; continuation bytes of UTF-8 take no column.
size_t width(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

} // namespace

Table::Table(std::vector<std::string> header) { m_rows.push_back(std::move(header)); }

void Table::add(std::vector<std::string> row) {
  row.resize(m_rows.front().size());
  for (std::string& cell : row)
    cell = base::foreignText(cell);
  m_rows.push_back(std::move(row));
}

std::string Table::text() const {
  std::vector<size_t> widths(m_rows.front().size(), 0);
  for (const auto& row : m_rows)
    for (size_t c = 0; c < row.size(); ++c)
      widths[c] = std::max(widths[c], width(row[c]));
  std::string text;
  for (size_t r = 0; r < m_rows.size(); ++r) {
    for (size_t c = 0; c < widths.size(); ++c) {
      const std::string gap(widths[c] - width(m_rows[r][c]), ' ');
      text += c == 0 ? m_rows[r][c] + gap : "  " + gap + m_rows[r][c];
    }
    text += '\n';
    if (r == 0) {
      for (size_t c = 0; c < widths.size(); ++c)
        text += (c ? "  " : "") + std::string(widths[c], '-');
      text += '\n';
    }
  }
  return text;
}

std::string fixed(double value, int decimals) {
  if (std::isnan(value))
    return {};
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", decimals, value);
  return text;
}

} // namespace nibblesmith::nsmith
