// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "benchmark/benchmark.hpp"
#include "ui/widgets/form_dialog.hpp"

namespace nibblesmith::ui {

class Int64Box;

/// Dialog for the length of a benchmark on this machine. GUI thread.
class BenchmarkDialog : public FormDialog {
  Q_OBJECT

public:
  /// artifacts: their titles, one per line.
  explicit BenchmarkDialog(const QString& artifacts, QWidget* parent = nullptr);
  benchmark::BenchmarkOptions options() const;

private:
  Int64Box* m_prompt;
  Int64Box* m_generated;
  Int64Box* m_repetitions;
};

} // namespace nibblesmith::ui
