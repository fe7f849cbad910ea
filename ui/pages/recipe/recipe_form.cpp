// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/recipe/recipe_form.hpp"

#include "quantization/activation_plan.hpp"
#include "quantization/grid.hpp"
#include "quantization/kv_cache.hpp"
#include "ui/pages/recipe/calibration_form.hpp"
#include "ui/pages/recipe/method_form.hpp"
#include "ui/pages/recipe/policy_editor.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/card.hpp"
#include "ui/widgets/form_field.hpp"

#include <QFormLayout>
#include <QLabel>
#include <QLineEdit>
#include <QVBoxLayout>

namespace nibblesmith::ui {

namespace {

using quantization::MethodKind;

std::vector<quantization::MethodDescription> methodsOf(const quantization::MethodCatalog& catalog, MethodKind kind) {
  std::vector<quantization::MethodDescription> methods = catalog.methods();
  std::erase_if(methods, [kind](const auto& method) { return method.kind != kind; });
  return methods;
}

/// The methods behind one that stands for none of them.
std::vector<quantization::MethodDescription> orNone(std::vector<quantization::MethodDescription> methods,
                                                    const QString& help) {
  quantization::MethodDescription none;
  none.name = quantization::MethodChoice().use;
  none.label = RecipeForm::tr("None").toStdString();
  none.help = help.toStdString();
  methods.insert(methods.begin(), none);
  return methods;
}

/// What of the recipe has no field: "transform rotation".
QString untouchedText(const std::vector<quantization::MethodChoice>& transforms) {
  QStringList parts;
  for (const quantization::MethodChoice& transform : transforms)
    parts << RecipeForm::tr("transform %1").arg(toQString(std::string_view(transform.use)));
  return parts.isEmpty() ? QString()
                         : RecipeForm::tr("Also in this recipe: %1.").arg(parts.join(QStringLiteral(", ")));
}

/// Also where a parameter is out of range: the form says so elsewhere.
bool needsText(const quantization::MethodDescription& method, const MethodForm& form) {
  try {
    return quantization::needsCalibration(method, form.choice().parameters);
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
    : QWidget(parent), m_name(new QLineEdit), m_untouched(makeHint()),
      m_transform(new MethodForm(tr("Method"), tr("What changes the weights before they are rounded"),
                                 orNone(methodsOf(methods, MethodKind::Transform),
                                        tr("The weights are rounded as they are.")))),
      m_rounding(new MethodForm(tr("Method"), tr("How each weight gets its value on the grid"),
                                methodsOf(methods, MethodKind::Rounding))),
      m_grid(new MethodForm(tr("Grid"), tr("The values that weights can take"), quantization::gridDescriptions())),
      m_activations(new MethodForm(tr("Inputs"), tr("How the inputs of the quantized layers are rounded while the model runs"),
                                   orNone(quantization::activationDescriptions(), tr("Layers see their inputs as they are.")))),
      m_cache(new MethodForm(tr("Kept as"), tr("How the keys and values of the tokens seen so far are kept while the model runs"),
                             quantization::kvCacheDescriptions())),
      m_calibration(new CalibrationForm), m_policy(new PolicyEditor) {
  m_name->setObjectName(QStringLiteral("recipeName"));
  m_name->setToolTip(tr("What the experiment log calls the result"));
  m_name->setAcceptDrops(false);
  auto* naming = new QWidget;
  QFormLayout* nameLayout = makeFormLayout();
  nameLayout->setContentsMargins(0, 0, 0, 0);
  addFormRow(*nameLayout, tr("Name"), m_name);
  naming->setLayout(nameLayout);
  m_untouched->hide();

  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(kSpacing);
  Card* recipe = cardWith(tr("Recipe"), naming);
  recipe->body()->addWidget(m_untouched);
  layout->addWidget(recipe);
  layout->addWidget(cardWith(tr("Transform"), m_transform));
  layout->addWidget(cardWith(tr("Rounding"), m_rounding));
  layout->addWidget(cardWith(tr("Grid"), m_grid));
  layout->addWidget(cardWith(tr("Activations"), m_activations));
  layout->addWidget(cardWith(tr("Key-value cache"), m_cache));
  layout->addWidget(cardWith(tr("Calibration"), m_calibration));
  layout->addWidget(cardWith(tr("Policy"), m_policy));
  layout->addStretch(1);

  connect(m_name, &QLineEdit::textChanged, this, &RecipeForm::onChanged);
  connect(m_transform, &MethodForm::changed, this, &RecipeForm::onChanged);
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
  recipe.transforms = m_otherTransforms;
  if (const quantization::MethodChoice first = m_transform->choice(); first.use != quantization::MethodChoice().use)
    recipe.transforms.insert(recipe.transforms.begin(), first);
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
  m_recipe = recipe;
  m_name->setText(toQString(std::string_view(recipe.name)));
  m_otherTransforms = recipe.transforms;
  if (!recipe.transforms.empty() && m_transform->setChoice(recipe.transforms.front()))
    m_otherTransforms.erase(m_otherTransforms.begin());
  else
    m_transform->setChoice({});
  const QString untouched = untouchedText(m_otherTransforms);
  m_untouched->setText(untouched);
  m_untouched->setVisible(!untouched.isEmpty());
  m_rounding->setChoice(recipe.rounding);
  m_grid->setChoice(recipe.grid);
  m_activations->setChoice(recipe.activations);
  m_cache->setChoice(recipe.kvCache);
  m_policy->setGrid(m_grid->method());
  m_policy->setPolicy(recipe.policy);
  m_calibration->setOptions(recipe.calibration);
  m_setting = false;
  onChanged();
}

QString RecipeForm::calibrationFile() const {
  return calibrated().isEmpty() ? QString() : m_calibration->file();
}

void RecipeForm::setCalibrationFile(const QString& path) { m_calibration->setFile(path); }

bool RecipeForm::check() {
  // All of them, so that every problem is seen at once.
  const bool isTransformGood = checkMethod(*m_transform);
  const bool isRoundingGood = checkMethod(*m_rounding);
  const bool isGridGood = checkMethod(*m_grid);
  const bool isInputGood = checkMethod(*m_activations);
  const bool isCacheGood = checkCache();
  const bool isCalibrationGood = m_calibration->check();
  const bool isPolicyGood = m_policy->check();
  return isTransformGood && isRoundingGood && isGridGood && isInputGood && isCacheGood && isCalibrationGood &&
         isPolicyGood;
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
  for (MethodForm* form : {m_grid, m_rounding, m_transform, m_activations})
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
  m_policy->setGrid(m_grid->method());
  const QString names = calibrated();
  const quantization::MethodDescription* rounding = m_rounding->method();
  m_calibration->setNeeded(!names.isEmpty(), !names.isEmpty() || !rounding
                                                 ? names
                                                 : toQString(std::string_view(rounding->label)));
  emit changed();
}

QString RecipeForm::calibrated() const {
  QStringList names;
  for (const MethodForm* form : {m_transform, m_rounding, m_activations})
    if (const quantization::MethodDescription* method = form->method(); method && needsText(*method, *form))
      names << toQString(std::string_view(method->label));
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
