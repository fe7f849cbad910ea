// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace nibblesmith::nsmith {

/// Table for the terminal: the first column is left-aligned, the others right-aligned. Cells are shown as
/// base::foreignText().
class Table {
public:
  explicit Table(std::vector<std::string> header);
  void add(std::vector<std::string> row);
  std::string text() const;

private:
  std::vector<std::vector<std::string>> m_rows;
};

/// Returns "12.34"; an empty string for NaN.
std::string fixed(double value, int decimals);

} // namespace nibblesmith::nsmith
