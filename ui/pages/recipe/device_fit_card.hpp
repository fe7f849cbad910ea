// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "quantization/recipe.hpp"
#include "ui/models/record_model.hpp"
#include "ui/session/latest_task.hpp"
#include "ui/widgets/card.hpp"
#include "workflow/fit.hpp"

#include <optional>

class QSpinBox;

namespace nibblesmith::ui {

class Label;
class Session;
class TableView;

/// Card that shows on which devices the quantized model fits, and how fast it can run there; estimated on a
/// worker, shortly after the last change. GUI thread.
class DeviceFitCard : public Card {
  Q_OBJECT

public:
  explicit DeviceFitCard(Session& session, QWidget* parent = nullptr);

  void ask(const quantization::Recipe& recipe);
  void clear();
  bool isBusy() const { return m_task.isRunning(); }
  TableView* table() const { return m_table; }
  QSpinBox* context() const { return m_context; }

private:
  /// Sets the context length of the open model, capped at a usual value.
  void takeContext();
  void show(const std::vector<workflow::DeviceFit>& fits);

  Session& m_session;
  QSpinBox* m_context;
  RecordModel<workflow::DeviceFit> m_fits;
  TableView* m_table;
  Label* m_hint;
  LatestTask m_task;
  quantization::Recipe m_recipe;
  std::optional<workflow::FitRequest> m_request; ///< request whose result is shown or pending
  double m_bandwidth = 0;                        ///< of this computer, once measured
};

} // namespace nibblesmith::ui
