// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/session/latest_task.hpp"
#include "ui/widgets/card.hpp"
#include "workflow/requests.hpp"

namespace nibblesmith::ui {

class Facts;
class Label;
class Session;

/// What the recipe will cost on the open model: reckoned on a worker, a moment after the last change. GUI
/// thread.
class EstimateCard : public Card {
  Q_OBJECT

public:
  explicit EstimateCard(Session& session, QWidget* parent = nullptr);

  void ask(const workflow::QuantizeRequest& request);
  /// Shows why there is no estimate.
  void clear(const QString& reason);
  bool isBusy() const { return m_task.isRunning(); }

signals:
  /// The core has no estimate because of the request: the sentence that says why.
  void refused(const QString& error);
  void estimated();

private:
  void show(const workflow::QuantizeEstimate& estimate);

  Session& m_session;
  Facts* m_facts;
  Label* m_hint;
  LatestTask m_task;
};

} // namespace nibblesmith::ui
