// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/recipe/mixed_precision_card.hpp"

#include "base/json.hpp"
#include "quantization/recipe.hpp"
#include "quantization/sensitivity.hpp"
#include "ui/charts/color_scale.hpp"
#include "ui/models/number_text.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/help.hpp"
#include "ui/widgets/icons.hpp"
#include "ui/widgets/label.hpp"
#include "ui/widgets/number_boxes.hpp"
#include "ui/widgets/save_json.hpp"
#include "workflow/sensitivity.hpp"

#include <QBoxLayout>
#include <QComboBox>
#include <QFileDialog>
#include <QHeaderView>
#include <QPushButton>
#include <QScrollBar>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QTableView>

#include <algorithm>

namespace nibblesmith::ui {

namespace {

using quantization::SensitivityMeasure;

constexpr int kCellWidth = 26;
constexpr int kWidestCell = 64;
constexpr int kMapWidth = 640; ///< width that the map fills by widening its cells
constexpr int kVisibleRows = 7;

QString filter() { return MixedPrecisionCard::tr("Measurements (*.json);;All files (*)"); }

/// Returns the total cost with all layers at one bit width; none if a layer was not measured at it.
std::optional<double> uniformCost(const quantization::Sensitivity& sensitivity, int bits) {
  double sum = 0;
  for (const auto& layer : sensitivity.layers) {
    const auto width = std::find_if(layer.widths.begin(), layer.widths.end(),
                                    [bits](const auto& candidate) { return candidate.bits == bits; });
    if (width == layer.widths.end())
      return std::nullopt;
    sum += quantization::costOf(sensitivity, *width);
  }
  return sum;
}

QString outcomeText(const quantization::Sensitivity& sensitivity, const quantization::Allocation& allocation,
                    const std::vector<int>& widths) {
  double weights = 0;
  for (const auto& layer : sensitivity.layers)
    weights += static_cast<double>(layer.weights);
  QStringList uniform;
  for (const int bits : widths)
    if (const auto cost = uniformCost(sensitivity, bits))
      uniform << MixedPrecisionCard::tr("%1 at %2 bits").arg(shortText(*cost)).arg(bits);
  QString text = MixedPrecisionCard::tr(
                     "%1 bits on average, %2 of codes. Sum of the layers' costs %3; all layers alike: %4.")
                     .arg(fixedText(allocation.averageBits, 3),
                          bytesText(std::optional(weights * allocation.averageBits / 8)),
                          shortText(allocation.cost), uniform.join(QStringLiteral(", ")));
  if (!allocation.exact)
    text += MixedPrecisionCard::tr(" Sizes were rounded up to units: close to the best choice.");
  return text;
}

} // namespace

MixedPrecisionCard::MixedPrecisionCard(Session& session, QWidget* parent)
    : Card(tr("Mixed precision"), parent), m_session(session), m_hint(makeHint()), m_result(new QWidget),
      m_problem(makeHint()) {
  auto* load = new QPushButton(icon(Icon::Open), tr("Load…"));
  setHelp(load, tr("Measurements that were saved here, or by nsmith sensitivity --out"));
  connect(load, &QPushButton::clicked, this, &MixedPrecisionCard::chooseFile);
  m_save = new QPushButton(icon(Icon::Save), tr("Save…"));
  setHelp(m_save,
          tr("Save the measurements to a JSON file, for another time or nsmith quantize --sensitivity"));
  connect(m_save, &QPushButton::clicked, this, &MixedPrecisionCard::saveFile);
  header()->addWidget(load);
  header()->addWidget(m_save);
  auto* layout = new QVBoxLayout(m_result);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(makeMap());
  layout->addWidget(makeTargetRow());
  m_problem->setObjectName(QStringLiteral("mixedPrecisionProblem"));
  body()->addWidget(makeMeasureRow());
  body()->addWidget(m_hint);
  body()->addWidget(m_result);
  body()->addWidget(m_problem);
  setProblemText(*m_problem, {});
  connect(&session.queue(), &JobQueue::ended, this, &MixedPrecisionCard::onJobEnded);
  connect(&session, &Session::modelChanged, this, [this] {
    m_model.clear();
    update();
  });
  update();
}

QWidget* MixedPrecisionCard::makeMeasureRow() {
  m_measure = new QComboBox;
  m_measure->addItem(tr("Divergence of the model's output"),
                     QVariant::fromValue(SensitivityMeasure::Divergence));
  m_measure->addItem(tr("Output error of each layer"), QVariant::fromValue(SensitivityMeasure::OutputError));
  setHelp(m_measure,
          tr("The divergence (Kullback-Leibler) runs the rest of the model for every layer and width: sure, "
             "and slow. The output error looks at the layer alone: a fraction of the time."));
  m_sequences = new QSpinBox;
  m_sequences->setRange(1, 1000);
  m_sequences->setValue(static_cast<int>(workflow::SensitivityRequest().sequences));
  setHelp(m_sequences, tr("Calibration sequences, of at most %1 tokens each, that the layers are measured on")
                           .arg(workflow::SensitivityRequest().tokens));
  m_start = new QPushButton(icon(Icon::Measure), tr("Measure the layers"));
  m_start->setObjectName(QStringLiteral("measureLayers"));
  setHelp(m_start,
          tr("Quantize each layer alone to 2, 3, 4 and 8 bits and measure the effect: a job in the queue"));
  connect(m_start, &QPushButton::clicked, this, &MixedPrecisionCard::measure);
  auto* row = new QWidget;
  auto* layout = new QHBoxLayout(row);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(m_measure);
  layout->addWidget(new Label(tr("on")));
  layout->addWidget(m_sequences);
  layout->addWidget(new Label(tr("sequences")));
  layout->addStretch(1);
  layout->addWidget(m_start);
  return row;
}

QWidget* MixedPrecisionCard::makeMap() {
  m_shown = new QComboBox;
  setHelp(m_shown, tr("Whose costs the colours show"));
  connect(m_shown, &QComboBox::activated, this, [this] { showBits(m_shown->currentData().toInt()); });
  m_scale = new ColorScale;
  m_map = new QTableView;
  m_map->setObjectName(QStringLiteral("sensitivityMap"));
  m_map->setAccessibleName(tr("Cost of each layer at this width; rows are linears, columns blocks"));
  m_map->setModel(&m_model);
  m_map->setSelectionMode(QAbstractItemView::SingleSelection);
  m_map->horizontalHeader()->setMinimumSectionSize(kCellWidth);
  m_map->horizontalHeader()->setDefaultSectionSize(kCellWidth);
  m_map->horizontalHeader()->setSectionResizeMode(QHeaderView::Fixed);
  m_map->horizontalHeader()->setHighlightSections(false);
  m_map->verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 6);
  m_map->verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
  m_map->setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
  m_map->setCornerButtonEnabled(false);
  auto* row = new QHBoxLayout;
  row->addWidget(new Label(tr("Each layer at")));
  row->addWidget(m_shown);
  row->addStretch(1);
  row->addWidget(m_scale);
  auto* box = new QWidget;
  auto* layout = new QVBoxLayout(box);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addLayout(row);
  layout->addWidget(m_map);
  return box;
}

QWidget* MixedPrecisionCard::makeTargetRow() {
  m_target = new NumberBox;
  m_target->setObjectName(QStringLiteral("targetBits"));
  m_target->setSingleStep(0.1);
  setHelp(m_target, tr("Bits of a code, on average over all weights that are measured"));
  connect(m_target, &QDoubleSpinBox::valueChanged, this, &MixedPrecisionCard::allocate);
  m_take = new QPushButton(icon(Icon::Recipe), tr("Take the bits into the recipe"));
  m_take->setObjectName(QStringLiteral("takeBits"));
  setHelp(m_take, tr("Add an override to the policy for every layer whose bits differ from the grid's"));
  connect(m_take, &QPushButton::clicked, this, &MixedPrecisionCard::takeOver);
  m_outcome = makeHint();
  m_outcome->setObjectName(QStringLiteral("allocation"));
  auto* row = new QHBoxLayout;
  row->addWidget(new Label(tr("Bits on average")));
  row->addWidget(m_target);
  row->addStretch(1);
  row->addWidget(m_take);
  auto* box = new QWidget;
  auto* layout = new QVBoxLayout(box);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addLayout(row);
  layout->addWidget(m_outcome);
  return box;
}

void MixedPrecisionCard::setRecipe(const quantization::Recipe& recipe, const QString& calibrationFile) {
  m_recipe = recipe;
  m_calibrationFile = calibrationFile;
  update();
}

void MixedPrecisionCard::measure() {
  workflow::SensitivityRequest request;
  request.model = m_session.modelPath();
  request.recipe = m_recipe;
  request.calibrationFile = toPath(m_calibrationFile);
  request.sequences = m_sequences->value();
  request.options.measure = m_measure->currentData().value<SensitivityMeasure>();
  m_job = m_session.measureSensitivity(request);
  update();
  emit m_session.message(tr("In the queue: measuring the layers of %1").arg(m_session.modelName()));
}

void MixedPrecisionCard::onJobEnded(JobId id) {
  const Job* job = m_session.queue().job(id);
  const auto* measured = job ? std::any_cast<MeasuredSensitivity>(&job->result) : nullptr;
  if (m_job == id)
    m_job.reset();
  // A job that was retried counts too.
  if (measured && measured->model == m_session.modelPath())
    show(measured->sensitivity);
  else
    update();
}

void MixedPrecisionCard::show(quantization::Sensitivity sensitivity) {
  m_model.setSensitivity(std::move(sensitivity));
  const std::vector<int> widths = m_model.widths();
  m_shown->clear();
  for (const int bits : widths)
    m_shown->addItem(tr("%1 bits").arg(bits), bits);
  if (widths.empty())
    return update();
  showBits(widths.front());
  m_map->horizontalHeader()->setDefaultSectionSize(
      std::clamp(kMapWidth / m_model.columnCount(), kCellWidth, kWidestCell));
  const int rows = std::min(m_model.rowCount(), kVisibleRows);
  m_map->setFixedHeight(rows * m_map->verticalHeader()->defaultSectionSize() +
                        m_map->horizontalHeader()->sizeHint().height() +
                        m_map->horizontalScrollBar()->sizeHint().height() + 2);
  {
    const QSignalBlocker blocker(m_target);
    m_target->setRange(widths.front(), widths.back());
    if (m_target->value() <= widths.front())
      m_target->setValue(std::min(4.0, static_cast<double>(widths.back())));
  }
  allocate();
}

void MixedPrecisionCard::showBits(int bits) {
  m_model.setShownBits(bits);
  const bool isDivergence = m_model.sensitivity().measure == SensitivityMeasure::Divergence;
  const auto [least, greatest] = m_model.costRange();
  m_scale->setEnds(shortText(least),
                   isDivergence ? tr("%1 nat").arg(shortText(greatest)) : shortText(greatest));
  setHelp(m_scale, isDivergence ? tr("Mean KL divergence of a token's distribution, in nats")
                                : tr("Squared error of the layer's outputs, over their square"));
}

void MixedPrecisionCard::allocate() {
  m_allocation.reset();
  QString problem;
  try {
    m_allocation = quantization::allocateBits(m_model.sensitivity(), m_target->value());
    m_outcome->setText(outcomeText(m_model.sensitivity(), *m_allocation, m_model.widths()));
  } catch (const base::Error& error) {
    m_outcome->clear();
    problem = toQString(std::string_view(error.what()));
  }
  setProblemText(*m_problem, problem);
  m_model.setAllocation(m_allocation);
  update();
}

void MixedPrecisionCard::takeOver() {
  try {
    emit chosen(quantization::withAllocation(m_recipe, m_model.sensitivity(), *m_allocation));
    setProblemText(*m_problem, {});
    emit m_session.message(tr("The policy has the layers' bits now"));
  } catch (const base::Error& error) {
    setProblemText(*m_problem, toQString(std::string_view(error.what())));
  }
}

bool MixedPrecisionCard::load(const QString& path) {
  try {
    show(quantization::sensitivityFromJson(base::readJsonFile(toPath(path)), path.toStdString()));
    return true;
  } catch (const base::Error& error) {
    setProblemText(*m_problem, toQString(std::string_view(error.what())));
    return false;
  }
}

void MixedPrecisionCard::chooseFile() {
  const QString path = QFileDialog::getOpenFileName(this, tr("Load measurements"), {}, filter());
  if (!path.isEmpty())
    load(path);
}

void MixedPrecisionCard::saveFile() {
  const QString path = saveJsonAs(this, tr("Save these measurements"), QStringLiteral("sensitivity.json"),
                                  filter(), quantization::toJson(m_model.sensitivity()), *m_problem);
  if (!path.isEmpty())
    emit m_session.message(tr("Saved %1").arg(path));
}

void MixedPrecisionCard::update() {
  const bool isMeasured = m_model.rowCount() > 0;
  QString hint;
  if (!m_session.model())
    hint = tr("Open a model to measure its layers.");
  else if (m_calibrationFile.isEmpty())
    hint = tr("Choose a calibration file above: the layers are measured on its text.");
  else if (m_job)
    hint = tr("The layers are being measured; see the Queue page.");
  else if (!isMeasured)
    hint =
        tr("Some layers tolerate few bits, others do not. Measure them to assign bits where needed: better "
           "than all layers "
           "alike at the same size.");
  m_hint->setText(hint);
  m_hint->setVisible(!hint.isEmpty());
  m_start->setEnabled(m_session.model() && !m_calibrationFile.isEmpty() && !m_job);
  m_save->setEnabled(isMeasured);
  m_result->setVisible(isMeasured);
  m_take->setEnabled(m_allocation.has_value());
}

} // namespace nibblesmith::ui
