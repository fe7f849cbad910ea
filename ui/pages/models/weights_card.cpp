// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/models/weights_card.hpp"

#include "ui/charts/weight_charts.hpp"
#include "ui/models/number_text.hpp"
#include "ui/session/session.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/facts.hpp"
#include "ui/widgets/label.hpp"

#include <QBoxLayout>
#include <QChart>
#include <QChartView>
#include <QEvent>

namespace nibblesmith::ui {

namespace {

constexpr int kChartHeight = 150;

QChartView* makeView(const QString& name) {
  auto* view = new QChartView;
  view->setRenderHint(QPainter::Antialiasing);
  view->setFrameShape(QFrame::NoFrame);
  view->setAcceptDrops(false); // otherwise the view would swallow drops that are meant for the window
  view->setMinimumHeight(kChartHeight);
  view->setAccessibleName(name);
  return view;
}

void setChart(QChartView& view, std::unique_ptr<QChart> chart, const ChartStyle& style) {
  const std::unique_ptr<QChart> old(view.chart());
  view.setBackgroundBrush(style.background);
  view.setChart(chart.release());
}

QString outliersText(const checkpoint::WeightStatistics& statistics) {
  constexpr size_t kNamed = 6;
  if (statistics.outlierChannels.empty())
    return WeightsCard::tr("none");
  QStringList names;
  for (size_t i = 0; i < std::min(kNamed, statistics.outlierChannels.size()); ++i)
    names << QString::number(statistics.outlierChannels[i]);
  if (statistics.outlierChannels.size() > kNamed)
    names << QStringLiteral("…");
  return QStringLiteral("%1 (%2)")
      .arg(statistics.outlierChannels.size())
      .arg(names.join(QStringLiteral(", ")));
}

std::vector<Fact> factsOf(const checkpoint::WeightStatistics& statistics) {
  const auto number = [](double value) { return shortText(value); };
  std::vector<Fact> facts = {
      {WeightsCard::tr("Range"),
       WeightsCard::tr("%1 to %2")
           .arg(number(static_cast<double>(statistics.minimum)),
                number(static_cast<double>(statistics.maximum))),
       {}},
      {WeightsCard::tr("Spread"), number(statistics.standardDeviation),
       WeightsCard::tr("Standard deviation of the values")},
      {WeightsCard::tr("Excess kurtosis"), fixedText(statistics.excessKurtosis, 2),
       WeightsCard::tr("0 for a normal distribution; large where few values lie far out, which costs a "
                       "uniform grid its resolution")},
  };
  if (!statistics.channelMagnitudes.empty())
    facts.push_back(
        {WeightsCard::tr("Outlier channels"), outliersText(statistics),
         WeightsCard::tr(
             "Input channels whose largest weight is more than %1 times that of the median channel")
             .arg(static_cast<double>(checkpoint::WeightStatistics::kOutlierRatio))});
  return facts;
}

} // namespace

WeightsCard::WeightsCard(Session& session, QWidget* parent)
    : Card(tr("Weights"), parent), m_session(session), m_hint(makeHint()), m_content(new QWidget),
      m_facts(new Facts(2)), m_values(makeView(tr("Histogram of the weights"))),
      m_channels(makeView(tr("Largest weight of each input channel"))) {
  auto* layout = new QVBoxLayout(m_content);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(m_facts);
  layout->addWidget(m_values, 1);
  layout->addWidget(m_channels, 1);
  body()->addWidget(m_hint);
  body()->addWidget(m_content, 1);
  body()->addStretch(0);
  connect(&m_task, &LatestTask::done, this, [this](const std::any& answer) {
    show(std::any_cast<const checkpoint::WeightStatistics&>(answer));
  });
  connect(&m_task, &LatestTask::failed, this, &WeightsCard::say);
  clear();
}

void WeightsCard::ask(const QString& tensor) {
  m_tensor = tensor;
  setTitle(tensor);
  if (!m_statistics)
    say(tr("Looking at the weights…"));
  m_task.start([call = m_session.calls().weightStatistics, path = m_session.modelPath(),
                name = tensor.toStdString()](const std::stop_token& stop) -> std::any {
    return call(path, name, stop);
  });
}

void WeightsCard::clear() {
  m_task.cancel();
  m_tensor.clear();
  setTitle(tr("Weights"));
  say(tr("Choose a tensor to see how its values are spread, and which input channels stand out."));
}

void WeightsCard::say(const QString& text) {
  m_statistics.reset();
  m_content->hide();
  m_hint->setText(text);
  m_hint->show();
}

void WeightsCard::show(const checkpoint::WeightStatistics& statistics) {
  if (statistics.count == 0)
    return say(tr("This tensor is empty."));
  m_statistics = statistics;
  m_facts->setFacts(factsOf(statistics));
  draw();
  m_hint->hide();
  m_content->show();
}

void WeightsCard::draw() {
  const ChartStyle style = chartStyleOf(palette());
  setChart(*m_values, makeWeightHistogram(*m_statistics, style), style);
  m_channels->setVisible(!m_statistics->channelMagnitudes.empty());
  if (!m_statistics->channelMagnitudes.empty())
    setChart(*m_channels, makeChannelChart(*m_statistics, style), style);
}

void WeightsCard::changeEvent(QEvent* event) {
  Card::changeEvent(event);
  if (event->type() == QEvent::PaletteChange && m_statistics)
    draw();
}

} // namespace nibblesmith::ui
