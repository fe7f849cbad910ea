// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/recipe/recipe_page.hpp"

#include "ui/models/number_text.hpp"
#include "ui/pages/recipe/calibration_check.hpp"
#include "ui/pages/recipe/calibration_form.hpp"
#include "ui/pages/recipe/device_fit_card.hpp"
#include "ui/pages/recipe/estimate_card.hpp"
#include "ui/pages/recipe/method_form.hpp"
#include "ui/pages/recipe/mixed_precision_card.hpp"
#include "ui/pages/recipe/recipe_form.hpp"
#include "ui/pages/recipe/recipe_history.hpp"
#include "ui/pages/recipe/replace_question.hpp"
#include "ui/pages/recipe/transform_list.hpp"
#include "ui/session/model_name.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/evaluation_form.hpp"
#include "ui/widgets/form_field.hpp"
#include "ui/widgets/help.hpp"
#include "ui/widgets/icons.hpp"
#include "ui/widgets/label.hpp"
#include "ui/widgets/path_field.hpp"
#include "ui/widgets/save_json.hpp"
#include "workflow/compare.hpp"
#include "workflow/quantize.hpp"

#include <QBoxLayout>
#include <QCheckBox>
#include <QComboBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QLineEdit>
#include <QPushButton>
#include <QScrollArea>

#include <algorithm>

namespace nibblesmith::ui {

namespace {

constexpr int kSideBarWidth = 400;

QScrollArea* scrolling(QWidget* widget) {
  auto* area = new QScrollArea;
  area->setWidget(widget);
  area->setWidgetResizable(true);
  area->setFrameShape(QFrame::NoFrame);
  area->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  area->viewport()->setAutoFillBackground(false);
  widget->setAutoFillBackground(false);
  return area;
}

QString recipeFilter() { return RecipePage::tr("Recipes (*.json);;All files (*)"); }

} // namespace

RecipePage::RecipePage(Session& session, std::vector<quantization::Recipe> presets, QWidget* parent)
    : QWidget(parent), m_session(session), m_naming(session), m_form(new RecipeForm(session.methods())) {
  for (const quantization::Recipe& preset : presets)
    m_naming.addKnown(preset);
  auto* columns = new QHBoxLayout;
  columns->setSpacing(kSpacing);
  columns->addWidget(scrolling(m_form), 1);
  columns->addWidget(makeSideBar());
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(kPageMargin, kPageMargin, kPageMargin, kPageMargin);
  layout->setSpacing(kSpacing);
  layout->addWidget(makeTopBar());
  layout->addLayout(columns, 1);

  m_check = new CalibrationCheck(session);
  m_form->calibration()->addBelow(m_check);
  connect(m_check, &CalibrationCheck::refused, m_form->calibration(), &CalibrationForm::showProblem);
  connect(m_evaluation, &EvaluationForm::changed, this, &RecipePage::checkCalibration);
  connect(m_thenEvaluate, &QCheckBox::toggled, this, &RecipePage::checkCalibration);
  m_mixed = new MixedPrecisionCard(session);
  m_form->addCard(m_mixed);
  connect(m_mixed, &MixedPrecisionCard::chosen, this, [this](const quantization::Recipe& recipe) {
    m_history->edit(tr("bits of the layers"), [&] { m_form->setRecipe(recipe); });
  });
  m_form->setNaming([this](const quantization::Recipe& before, const quantization::Recipe& now) {
    return m_naming.nameAfterChange(before, now);
  });
  connect(m_form, &RecipeForm::changed, this, &RecipePage::onChanged);
  connect(&session, &Session::modelChanged, this, &RecipePage::onModelChanged);
  if (m_naming.knownCount() > 0)
    acceptPreset(0);
  m_history = new RecipeHistory(*m_form, this);
  onModelChanged();
}

QWidget* RecipePage::makeTopBar() {
  m_presetCombo = new QComboBox;
  m_presetCombo->setObjectName(QStringLiteral("preset"));
  m_presetCombo->setSizeAdjustPolicy(QComboBox::AdjustToContents);
  setHelp(m_presetCombo, tr("A recipe to start from"));
  listPresets();
  connect(m_presetCombo, &QComboBox::activated, this, &RecipePage::choosePreset);
  auto* load = new QPushButton(icon(Icon::Open), tr("Load…"));
  setHelp(load, tr("Take a recipe from a JSON file, as nsmith reads it too"));
  connect(load, &QPushButton::clicked, this, &RecipePage::chooseFile);
  auto* save = new QPushButton(icon(Icon::Save), tr("Save…"));
  setHelp(save, tr("Write this recipe into a JSON file, for nsmith quantize --recipe"));
  connect(save, &QPushButton::clicked, this, &RecipePage::saveFile);
  m_loadProblem = new Label;
  m_loadProblem->setWordWrap(true);
  m_loadProblem->hide();

  auto* row = new QHBoxLayout;
  row->setContentsMargins(0, 0, 0, 0);
  row->addWidget(makeHeading(tr("Recipe")));
  row->addStretch(1);
  row->addWidget(new Label(tr("Preset")));
  row->addWidget(m_presetCombo);
  row->addWidget(load);
  row->addWidget(save);
  auto* bar = new QWidget;
  auto* layout = new QVBoxLayout(bar);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addLayout(row);
  layout->addWidget(m_loadProblem);
  return bar;
}

QWidget* RecipePage::makeSideBar() {
  auto* modelCard = new Card(tr("Model"));
  m_modelName = new Label;
  QFont bold = m_modelName->font();
  bold.setBold(true);
  m_modelName->setFont(bold);
  m_modelName->setElideMode(Qt::ElideMiddle);
  m_model = new Label;
  m_model->setWordWrap(true);
  modelCard->body()->setSpacing(2);
  modelCard->body()->addWidget(m_modelName);
  modelCard->body()->addWidget(m_model);

  m_estimate = new EstimateCard(m_session);
  connect(m_estimate, &EstimateCard::refused, this,
          [this](const QString& error) { m_form->showProblem(error); });

  m_fit = new DeviceFitCard(m_session);

  auto* outputCard = new Card(tr("Output folder"));
  m_output = new PathField(PathField::Kind::NewDirectory, tr("Choose the output folder"));
  setHelp(m_output->edit(),
          tr("The folder that the quantized model is written into; it is made if it is not there"));
  m_output->setObjectName(QStringLiteral("output"));
  m_outputField = new FormField(m_output, {}, true);
  outputCard->body()->addWidget(m_outputField);
  connect(m_output, &PathField::pathChanged, this, &RecipePage::onChanged);

  auto* content = new QWidget;
  auto* cards = new QVBoxLayout(content);
  cards->setContentsMargins(0, 0, 0, 0);
  cards->setSpacing(kSpacing);
  cards->addWidget(modelCard);
  cards->addWidget(m_estimate);
  cards->addWidget(m_fit);
  cards->addWidget(outputCard);
  cards->addWidget(makeFollowUps());
  cards->addStretch(1);

  m_problem = new Label;
  m_problem->setWordWrap(true);
  m_problem->hide();
  m_start = new QPushButton(icon(Icon::Play), tr("Quantize"));
  m_start->setObjectName(QStringLiteral("quantize"));
  setHelp(m_start, tr("Put this job into the queue (Ctrl+Return)"));
  m_start->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_Return));
  m_start->setMinimumHeight(36);
  m_start->setDefault(true);
  connect(m_start, &QPushButton::clicked, this, &RecipePage::quantize);

  auto* bar = new QWidget;
  bar->setFixedWidth(kSideBarWidth);
  auto* layout = new QVBoxLayout(bar);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(kSpacing);
  layout->addWidget(scrolling(content), 1);
  layout->addWidget(m_problem);
  layout->addWidget(m_start);
  return bar;
}

QWidget* RecipePage::makeFollowUps() {
  auto* card = new Card(tr("Then"));
  m_thenEvaluate = new QCheckBox(tr("evaluate: perplexity, ROUGE, BLEU"));
  setHelp(m_thenEvaluate, tr("Measure the quality of the result once it is there"));
  m_thenEvaluate->setObjectName(QStringLiteral("thenEvaluate"));
  m_evaluation = new EvaluationForm;
  m_evaluation->hide();
  m_thenBenchmark = new QCheckBox(tr("benchmark: latency and memory on this machine"));
  setHelp(m_thenBenchmark, tr("Milliseconds per token and peak memory of the result, once it is there"));
  m_thenBenchmark->setObjectName(QStringLiteral("thenBenchmark"));
  card->body()->addWidget(m_thenEvaluate);
  card->body()->addWidget(m_evaluation);
  card->body()->addWidget(m_thenBenchmark);
  connect(m_thenEvaluate, &QCheckBox::toggled, m_evaluation, &QWidget::setVisible);
  return card;
}

workflow::QuantizeRequest RecipePage::request() const {
  workflow::QuantizeRequest request;
  request.model = m_session.modelPath();
  request.recipe = m_form->recipe();
  request.calibrationFile = toPath(m_form->calibrationFile());
  request.out = toPath(m_output->path());
  if (m_thenEvaluate->isChecked())
    request.evaluation = m_evaluation->request().text;
  return request;
}

bool RecipePage::isEstimating() const { return m_estimate->isBusy(); }

void RecipePage::onModelChanged() {
  if (m_session.model()) {
    const model::ModelSummary& summary = *m_session.model();
    m_modelName->setText(m_session.modelName());
    m_model->setText(
        tr("%1 parameters, %2").arg(countText(summary.parameters), bytesText(summary.weightBytes)));
    const FilesBesideModel files = filesBeside(m_session.modelPath());
    if (m_form->calibrationFile().isEmpty() && !files.calibration.empty())
      m_history->adopt([&] { m_form->setCalibrationFile(toQString(files.calibration)); });
    m_evaluation->setFiles(files);
  } else {
    m_model->setText(tr("No model is open yet. Open one on the Models page (Ctrl+1)."));
  }
  m_modelName->setVisible(m_session.model().has_value());
  m_start->setEnabled(m_session.model().has_value());
  onChanged();
}

void RecipePage::onChanged() {
  showPreset();
  updateOutput();
  m_problem->hide();
  m_mixed->setRecipe(m_form->recipe(), m_form->calibration()->file());
  if (!m_session.model()) {
    m_estimate->clear(tr("Open a model to see size, time and memory."));
    m_fit->clear();
    return;
  }
  m_form->check();
  checkCalibration();
  m_estimate->ask(request());
  m_fit->ask(m_form->recipe());
}

void RecipePage::checkCalibration() {
  const QString file = m_form->calibrationFile();
  if (!m_session.model() || file.isEmpty() || !QFileInfo(file).isFile()) {
    m_check->clear();
    return;
  }
  m_check->ask({m_session.modelPath(), toPath(file), request().evaluation, m_form->calibration()->options()});
}

void RecipePage::updateOutput() {
  m_outputField->setProblem({});
  if (!m_session.model() || m_output->path() != m_proposedOutput)
    return;
  m_proposedOutput = toQString(m_naming.proposedFolder(m_form->recipe()));
  m_output->setPath(m_proposedOutput);
}

QString RecipePage::outputProblem() const {
  const std::filesystem::path folder = toPath(m_output->path());
  if (folder.empty())
    return tr("Choose where the artifact goes.");
  if (QFileInfo(m_output->path()).isFile())
    return tr("Expected a folder, found a file.");
  if (folder == m_session.modelPath())
    return tr("This is the model itself; choose another folder.");
  if (m_naming.isPendingOutput(folder))
    return tr("A job in the queue writes into this folder; choose another one.");
  const FolderContents contents = contentsOf(folder);
  return contents.isEmpty || contents.isArtifact
             ? QString()
             : tr("This folder holds other files; choose a new or an empty one.");
}

bool RecipePage::check() {
  if (m_form->recipe().name.empty())
    m_form->setName(m_naming.proposedName(m_form->recipe()));
  const bool isFormGood = m_form->check();
  const bool isNameTaken = m_naming.isTaken(m_form->recipe());
  m_form->setNameProblem(isNameTaken
                             ? tr("Another recipe for this model has this name already; choose another name.")
                             : QString());
  const QString output = outputProblem();
  m_outputField->setProblem(output);
  const bool isEvaluationGood = !m_thenEvaluate->isChecked() || m_evaluation->check();
  const bool isGood = isFormGood && !isNameTaken && output.isEmpty() && isEvaluationGood;
  setProblemText(*m_problem, isGood ? QString() : tr("Correct the fields marked above, then start again."));
  return isGood;
}

void RecipePage::listPresets() {
  m_presetCombo->clear();
  for (size_t i = 0; i < m_naming.knownCount(); ++i)
    m_presetCombo->addItem(foreignText(m_naming.known(i).name));
}

/// Shows the preset that the recipe equals, also after an undo.
void RecipePage::showPreset() {
  const int like = m_naming.findEquivalent(m_form->recipe());
  if (like >= 0)
    m_chosen = like;
  for (int i = 0; i < m_presetCombo->count(); ++i) {
    const QString name = foreignText(m_naming.known(static_cast<size_t>(i)).name);
    m_presetCombo->setItemText(i, i == m_chosen && like < 0 ? tr("%1 (modified)").arg(name) : name);
  }
  m_presetCombo->setCurrentIndex(m_chosen);
}

void RecipePage::acceptPreset(int index) {
  quantization::Recipe recipe = m_naming.known(static_cast<size_t>(index));
  recipe.name = m_naming.uniqueName(recipe).toStdString();
  if (accept(recipe))
    m_chosen = index;
  showPreset();
}

void RecipePage::choosePreset(int index) {
  const QString name = foreignText(m_naming.known(static_cast<size_t>(index)).name);
  m_history->edit(tr("preset “%1”").arg(name), [&] { acceptPreset(index); });
}

bool RecipePage::accept(const quantization::Recipe& recipe) {
  QString problem;
  const auto knows = [](MethodForm* form, const quantization::MethodChoice& choice) {
    return form->combo()->findData(toQString(std::string_view(choice.use))) >= 0;
  };
  const auto missing = [&](const quantization::MethodChoice& choice) {
    return tr("“%1” needs “%2”, which is not installed.")
        .arg(toQString(std::string_view(recipe.name)), toQString(std::string_view(choice.use)));
  };
  for (const auto& [form, choice] : {std::pair(m_form->rounding(), recipe.rounding),
                                     {m_form->grid(), recipe.grid},
                                     {m_form->activations(), recipe.activations},
                                     {m_form->cache(), recipe.kvCache}})
    if (!knows(form, choice))
      problem = missing(choice);
  for (const quantization::MethodChoice& transform : recipe.transforms)
    if (!m_form->transforms()->knows(transform.use))
      problem = missing(transform);
  setProblemText(*m_loadProblem, problem);
  if (problem.isEmpty())
    m_form->setRecipe(recipe);
  return problem.isEmpty();
}

bool RecipePage::loadRecipe(const QString& path) {
  try {
    quantization::Recipe recipe = quantization::readRecipe(toPath(path));
    recipe.name = m_naming.uniqueName(recipe).toStdString();
    bool isAccepted = false;
    m_history->edit(tr("loading of a recipe"), [&] { isAccepted = accept(recipe); });
    if (!isAccepted)
      return false;
    if (!recipe.name.empty()) {
      m_chosen = static_cast<int>(m_naming.addKnown(recipe));
      listPresets();
    }
    showPreset();
    return true;
  } catch (const base::Error& error) {
    setProblemText(*m_loadProblem, toQString(std::string_view(error.what())));
    return false;
  }
}

void RecipePage::chooseFile() {
  const QString path = QFileDialog::getOpenFileName(this, tr("Load a recipe"), {}, recipeFilter());
  if (!path.isEmpty())
    loadRecipe(path);
}

void RecipePage::saveFile() {
  const quantization::Recipe recipe = m_form->recipe();
  const QString proposal =
      toQString(std::string_view(workflow::directoryNameOf(recipe))) + QStringLiteral(".json");
  const QString path = saveJsonAs(this, tr("Save this recipe"), proposal, recipeFilter(),
                                  quantization::toJson(recipe), *m_loadProblem);
  if (!path.isEmpty())
    emit m_session.message(tr("Saved %1").arg(path));
}

bool RecipePage::settleOutput(workflow::QuantizeRequest& request) {
  const FolderContents contents = contentsOf(request.out);
  if (contents.isEmpty)
    return true;
  const QString name = contents.recipe ? toQString(std::string_view(contents.recipe->name)) : QString();
  switch (askToReplace(toQString(request.out), name, this)) {
  case Replacing::Replace:
    request.replace = true;
    return true;
  case Replacing::KeepBoth:
    request.out = m_naming.freeFolder(request.out);
    return true;
  case Replacing::Cancel:
    break;
  }
  return false;
}

void RecipePage::quantize() {
  if (!m_session.model() || !check())
    return;
  workflow::QuantizeRequest work = request();
  if (!settleOutput(work))
    return;
  FollowUps then;
  if (m_thenEvaluate->isChecked())
    then.evaluate = m_evaluation->request();
  then.benchmark = m_thenBenchmark->isChecked();
  m_naming.started(work, m_session.quantize(work, then));
  updateOutput();
  emit m_session.message(tr("In the queue: %1").arg(toQString(std::string_view(work.recipe.name))));
  emit m_session.pageRequested(Page::Queue);
}

} // namespace nibblesmith::ui
