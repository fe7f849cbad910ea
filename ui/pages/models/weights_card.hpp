// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/weight_statistics.hpp"
#include "ui/session/latest_task.hpp"
#include "ui/widgets/card.hpp"

#include <optional>

class QChart;
class QChartView;

namespace nibblesmith::ui {

class Facts;
class Label;
class Session;

/// Card with the weight distribution and the outlier input channels of one tensor of the open model; computed
/// on a worker when a tensor is selected. GUI thread.
class WeightsCard : public Card {
  Q_OBJECT

public:
  explicit WeightsCard(Session& session, QWidget* parent = nullptr);

  void ask(const QString& tensor);
  void clear();
  bool isBusy() const { return m_task.isRunning(); }
  const std::optional<checkpoint::WeightStatistics>& statistics() const { return m_statistics; }

protected:
  void changeEvent(QEvent* event) override;

private:
  void show(const checkpoint::WeightStatistics& statistics);
  void say(const QString& text);
  void draw();

  Session& m_session;
  QString m_tensor;
  Label* m_hint;
  QWidget* m_content;
  Facts* m_facts;
  QChartView* m_values;
  QChartView* m_channels;
  LatestTask m_task;
  std::optional<checkpoint::WeightStatistics> m_statistics;
};

} // namespace nibblesmith::ui
