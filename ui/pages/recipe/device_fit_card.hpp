// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/models/record_model.hpp"
#include "ui/session/latest_task.hpp"
#include "ui/widgets/card.hpp"
#include "workflow/requests.hpp"

#include <optional>

class QSpinBox;

namespace nibblesmith::ui {

class Label;
class Session;
class TableView;

/// On which devices what the recipe makes of the open model fits, and how fast it can be there: reckoned on a
/// worker, a moment after the last change. GUI thread.
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
  /// The open model's own, and no more than is usual.
  void takeContext();
  void show(const std::vector<workflow::DeviceFit>& fits);

  Session& m_session;
  QSpinBox* m_context;
  RecordModel<workflow::DeviceFit> m_fits;
  TableView* m_table;
  Label* m_hint;
  LatestTask m_task;
  quantization::Recipe m_recipe;
  std::optional<workflow::FitRequest> m_request; ///< whose answer is shown or under way
  double m_bandwidth = 0;                        ///< of this computer, once it was measured
};

} // namespace nibblesmith::ui
