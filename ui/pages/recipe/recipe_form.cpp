// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/recipe/recipe_form.hpp"

#include "quantization/activation_plan.hpp"
#include "quantization/grid.hpp"
#include "quantization/kv_cache.hpp"
#include "quantization/policy.hpp"
#include "ui/pages/recipe/calibration_form.hpp"
#include "ui/pages/recipe/method_form.hpp"
#include "ui/pages/recipe/transform_list.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/card.hpp"
#include "ui/widgets/form_field.hpp"
#include "ui/widgets/help.hpp"

#include <QFormLayout>
#include <QLineEdit>
#include <QVBoxLayout>

namespace nibblesmith::ui {

namespace {

using quantization::MethodKind;

std::vector<quantization::MethodDescription> methodsOf(const quantization::MethodCatalog& catalog,
                                                       MethodKind kind) {
  std::vector<quantization::MethodDescription> methods = catalog.methods();
  std::erase_if(methods, [kind](const auto& method) { return method.kind != kind; });
  return methods;
}

/// Returns the methods, preceded by the entry "None".
std::vector<quantization::MethodDescription> withNone(std::vector<quantization::MethodDescription> methods,
                                                      const QString& help) {
  quantization::MethodDescription none;
  none.name = quantization::MethodChoice().use;
  none.label = RecipeForm::tr("None").toStdString();
  none.help = help.toStdString();
  methods.insert(methods.begin(), none);
  return methods;
}

/// Returns true even if a parameter is out of range, because the form reports that elsewhere.
bool needsText(const quantization::MethodDescription& method, const base::Json& parameters) {
  try {
    return quantization::needsCalibration(method, parameters);
  } catch (const base::Error&) {
    return method.needsCalibration;
  }
}

Card* cardWith(const QString& title, QWidget* widget) {
  auto* card = new Card(title);
  card->body()->addWidget(widget);
  return card;
}

} // namespace

RecipeForm::RecipeForm(const quantization::MethodCatalog& methods, QWidget* parent)
    : QWidget(parent), m_name(new QLineEdit), m_nameField(new FormField(m_name, {}, true)),
      m_transforms(new TransformList(methodsOf(methods, MethodKind::Transform))),
      m_rounding(new MethodForm(tr("Method"), tr("How each weight gets its value on the grid"),
                                methodsOf(methods, MethodKind::Rounding))),
      m_grid(new MethodForm(tr("Grid"), tr("The values that weights can take"),
                            quantization::gridDescriptions())),
      m_activations(new MethodForm(
          tr("Inputs"), tr("How the inputs of the quantized layers are rounded while the model runs"),
          withNone(quantization::activationDescriptions(), tr("Layers see their inputs as they are.")))),
      m_cache(new MethodForm(
          tr("Kept as"),
          tr("How the keys and values of the tokens seen so far are kept while the model runs"),
          quantization::kvCacheDescriptions())),
      m_calibration(new CalibrationForm), m_policy(new PolicyEditor), m_cards(new QVBoxLayout(this)) {
  m_name->setObjectName(QStringLiteral("recipeName"));
  setHelp(m_name, tr("What the experiment log calls the result"));
  m_name->setAcceptDrops(false);
  auto* naming = new QWidget;
  QFormLayout* nameLayout = makeFormLayout();
  nameLayout->setContentsMargins(0, 0, 0, 0);
  addFormRow(*nameLayout, tr("Name"), m_nameField);
  naming->setLayout(nameLayout);

  m_cards->setContentsMargins(0, 0, 0, 0);
  m_cards->setSpacing(kSpacing);
  m_cards->addWidget(cardWith(tr("Recipe"), naming));
  m_cards->addWidget(cardWith(tr("Transforms"), m_transforms));
  m_cards->addWidget(cardWith(tr("Rounding"), m_rounding));
  m_cards->addWidget(cardWith(tr("Grid"), m_grid));
  m_cards->addWidget(cardWith(tr("Activations"), m_activations));
  m_cards->addWidget(cardWith(tr("Key-value cache"), m_cache));
  m_cards->addWidget(cardWith(tr("Calibration"), m_calibration));
  m_cards->addWidget(cardWith(tr("Policy"), m_policy));
  m_cards->addStretch(1);

  connect(m_name, &QLineEdit::textChanged, this, &RecipeForm::onChanged);
  connect(m_transforms, &TransformList::changed, this, &RecipeForm::onChanged);
  connect(m_rounding, &MethodForm::changed, this, &RecipeForm::onChanged);
  connect(m_grid, &MethodForm::changed, this, &RecipeForm::onChanged);
  connect(m_activations, &MethodForm::changed, this, &RecipeForm::onChanged);
  connect(m_cache, &MethodForm::changed, this, &RecipeForm::onChanged);
  connect(m_calibration, &CalibrationForm::changed, this, &RecipeForm::onChanged);
  connect(m_policy, &PolicyEditor::changed, this, &RecipeForm::onChanged);
  setRecipe({});
}

quantization::Recipe RecipeForm::recipe() const {
  quantization::Recipe recipe = m_recipe;
  recipe.name = m_name->text().trimmed().toStdString();
  recipe.transforms = m_transforms->choices();
  recipe.rounding = m_rounding->choice();
  recipe.grid = m_grid->choice();
  recipe.activations = m_activations->choice();
  recipe.kvCache = m_cache->choice();
  recipe.policy = m_policy->policy();
  recipe.calibration = m_calibration->options();
  return recipe;
}

void RecipeForm::setRecipe(const quantization::Recipe& recipe) {
  m_setting = true;
  fill(recipe);
  m_policy->setPolicy(recipe.policy);
  m_setting = false;
  onChanged();
}

RecipeForm::State RecipeForm::state() const { return {recipe(), m_policy->text(), m_calibration->file()}; }

void RecipeForm::setState(const State& state) {
  m_setting = true;
  fill(state.recipe);
  m_policy->setText(state.policy);
  m_setting = false;
  onChanged();
}

void RecipeForm::fill(const quantization::Recipe& recipe) {
  m_recipe = recipe;
  m_name->setText(toQString(std::string_view(recipe.name)));
  m_transforms->setChoices(recipe.transforms);
  m_rounding->setChoice(recipe.rounding);
  m_grid->setChoice(recipe.grid);
  m_activations->setChoice(recipe.activations);
  m_cache->setChoice(recipe.kvCache);
  m_policy->setMethods(m_grid->method(), m_activations->method());
  m_calibration->setOptions(recipe.calibration);
}

QString RecipeForm::calibrationFile() const {
  return calibrated().isEmpty() ? QString() : m_calibration->file();
}

void RecipeForm::setCalibrationFile(const QString& path) { m_calibration->setFile(path); }

void RecipeForm::setNaming(Naming naming) { m_naming = std::move(naming); }

void RecipeForm::setName(const QString& name) { m_name->setText(name); }

void RecipeForm::setNameProblem(const QString& text) { m_nameField->setProblem(text); }

void RecipeForm::addCard(QWidget* card) { m_cards->insertWidget(m_cards->count() - 1, card); }

bool RecipeForm::check() {
  // Checks all forms, to show every problem at once.
  bool areTransformsGood = true;
  for (MethodForm* form : m_transforms->forms())
    areTransformsGood = checkMethod(*form) && areTransformsGood;
  const bool isRoundingGood = checkMethod(*m_rounding);
  const bool isGridGood = checkMethod(*m_grid);
  const bool isInputGood = checkMethod(*m_activations);
  const bool isCacheGood = checkCache();
  const bool isCalibrationGood = m_calibration->check();
  const bool isPolicyGood = m_policy->check();
  return areTransformsGood && isRoundingGood && isGridGood && isInputGood && isCacheGood &&
         isCalibrationGood && isPolicyGood;
}

bool RecipeForm::showProblem(const QString& text) {
  if (text.contains(QStringLiteral("calibration: '"))) {
    m_calibration->showProblem(text);
    return true;
  }
  if (text.contains(QStringLiteral("'kvCache'"))) {
    m_cache->setProblem(text);
    return true;
  }
  std::vector<MethodForm*> forms = {m_grid, m_rounding};
  for (MethodForm* form : m_transforms->forms())
    forms.push_back(form);
  forms.push_back(m_activations);
  for (MethodForm* form : forms)
    if (const quantization::MethodDescription* method = form->method())
      for (const quantization::Parameter& parameter : method->parameters)
        if (text.contains(toQString(std::string_view(parameter.key)))) {
          form->setProblem(text);
          return true;
        }
  return false;
}

void RecipeForm::onChanged() {
  if (m_setting)
    return;
  m_policy->setMethods(m_grid->method(), m_activations->method());
  const QString names = calibrated();
  const quantization::MethodDescription* rounding = m_rounding->method();
  m_calibration->setNeeded(
      !names.isEmpty(), !names.isEmpty() || !rounding ? names : toQString(std::string_view(rounding->label)));
  followName();
  setNameProblem({});
  emit changed();
}

void RecipeForm::followName() {
  const quantization::Recipe now = recipe();
  if (m_naming) {
    m_setting = true;
    if (const QString name = m_naming(m_last, now); name != m_name->text().trimmed())
      m_name->setText(name);
    m_setting = false;
  }
  m_last = recipe();
}

QString RecipeForm::calibrated() const {
  QStringList names;
  std::vector<MethodForm*> forms = m_transforms->forms();
  forms.insert(forms.end(), {m_rounding, m_activations});
  for (const MethodForm* form : forms)
    if (const quantization::MethodDescription* method = form->method();
        method && needsText(*method, form->choice().parameters))
      names << toQString(std::string_view(method->label));
  // An override may set static scales for the inputs of some layers.
  for (const quantization::Override& override : m_policy->policy().overrides) {
    const auto choice = quantization::withChanges(m_activations->choice(), override.activations);
    for (const quantization::MethodDescription& method : quantization::activationDescriptions())
      if (method.name == choice.use && needsText(method, choice.parameters))
        names << toQString(std::string_view(method.label));
  }
  names.removeDuplicates();
  return names.join(QStringLiteral(" + "));
}

bool RecipeForm::checkCache() {
  try {
    quantization::kvCacheScheme(m_cache->choice());
  } catch (const base::Error& error) {
    m_cache->setProblem(toQString(std::string_view(error.what())));
    return false;
  }
  m_cache->clearProblems();
  return true;
}

bool RecipeForm::checkMethod(MethodForm& form) {
  if (!form.method()) {
    form.setProblem(tr("No method is installed."));
    return false;
  }
  try {
    quantization::completeParameters(*form.method(), form.choice().parameters);
  } catch (const base::Error& error) {
    form.setProblem(toQString(std::string_view(error.what())));
    return false;
  }
  form.clearProblems();
  return true;
}

} // namespace nibblesmith::ui
