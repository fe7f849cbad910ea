// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace nibblesmith::nsmith {

/// Columns lined up for a terminal: the first to the left, the others to the right. Cells are shown as
/// base::foreignText().
class Table {
public:
  explicit Table(std::vector<std::string> header);
  void add(std::vector<std::string> row);
  std::string text() const;

private:
  std::vector<std::vector<std::string>> m_rows;
};

/// "12.34"; an empty string for NaN.
std::string fixed(double value, int decimals);

} // namespace nibblesmith::nsmith
