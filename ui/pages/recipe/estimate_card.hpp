// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/session/latest_task.hpp"
#include "ui/widgets/card.hpp"
#include "workflow/quantize.hpp"

namespace nibblesmith::ui {

class Facts;
class Label;
class Session;

/// Card with the estimated cost of the recipe on the open model; estimated on a worker, shortly after the
/// last change. GUI thread.
class EstimateCard : public Card {
  Q_OBJECT

public:
  explicit EstimateCard(Session& session, QWidget* parent = nullptr);

  void ask(const workflow::QuantizeRequest& request);
  /// Shows why there is no estimate.
  void clear(const QString& reason);
  bool isBusy() const { return m_task.isRunning(); }

signals:
  /// Emitted with an error message if the core cannot estimate the request.
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
