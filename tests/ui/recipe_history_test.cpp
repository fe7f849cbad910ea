// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"

#include "nib_test.hpp"
#include "quantization/recipe.hpp"
#include "ui/main_window.hpp"
#include "ui/pages/recipe/calibration_form.hpp"
#include "ui/pages/recipe/method_form.hpp"
#include "ui/pages/recipe/policy_editor.hpp"
#include "ui/pages/recipe/recipe_history.hpp"
#include "ui/pages/recipe/recipe_page.hpp"
#include "ui/pages/recipe/transform_list.hpp"
#include "ui/widgets/parameter_form.hpp"
#include "ui/widgets/path_field.hpp"
#include "ui/widgets/theme.hpp"

#include <QAction>
#include <QCheckBox>
#include <QComboBox>
#include <QLineEdit>
#include <QMenuBar>
#include <QPushButton>
#include <QSignalSpy>
#include <QTableWidget>
#include <QTest>

namespace nibblesmith::ui {

/// Undo and redo of the recipe by key presses.
class RecipeHistoryTest : public QObject {
  Q_OBJECT

private slots:
  void init();
  void undoesWhatWasTypedAsOneStep();
  void keepsFieldsApart();
  void undoesAPreset();
  void undoesTransforms();
  void undoesTheCalibrationFileAlone();
  void keepsAnOverrideThatIsNotUnderstood();
  void countsNothingThatNobodyAskedFor();
  void forgetsAStepThatChangesNothing();
  void saysWhatIsUndone();
  void undoesOnlyWhereTheRecipeIsSeen();

private:
  RecipeForm& form() const { return *m_window->recipePage()->form(); }
  QUndoStack& steps() const { return m_window->recipePage()->history().stack(); }
  QLineEdit* name() const { return m_window->findChild<QLineEdit*>(QStringLiteral("recipeName")); }
  /// Sends a key to the focus widget, as the window system does.
  void press(Qt::Key key, Qt::KeyboardModifiers modifiers) const {
    QTest::keyClick(QApplication::focusWidget(), key, modifiers);
  }
  void undo() const { press(Qt::Key_Z, Qt::ControlModifier); }
  void redo() const { press(Qt::Key_Z, Qt::ControlModifier | Qt::ShiftModifier); }
  void type(QWidget* field, const QString& text) const;

  std::unique_ptr<test::FakeSession> m_fake;
  std::unique_ptr<Theme> m_theme;
  std::unique_ptr<MainWindow> m_window;
};

void RecipeHistoryTest::init() {
  m_window.reset();
  m_fake = std::make_unique<test::FakeSession>();
  m_theme = std::make_unique<Theme>(*qobject_cast<QApplication*>(QCoreApplication::instance()));
  quantization::Recipe nearest;
  nearest.name = "RTN 4-bit";
  nearest.rounding = {"rtn", base::Json::object()};
  quantization::Recipe learned;
  learned.name = "GPTQ 4-bit";
  learned.rounding = {"gptq", base::Json{{"blockSize", 64}}};
  m_window = std::make_unique<MainWindow>(m_fake->start(), *m_theme, std::vector{nearest, learned});
  m_window->show();
  QVERIFY(QTest::qWaitForWindowActive(m_window.get()));
  m_window->showPage(Page::Recipe);
  QVERIFY(!steps().canUndo());
}

void RecipeHistoryTest::type(QWidget* field, const QString& text) const {
  QTest::mouseClick(field, Qt::LeftButton);
  press(Qt::Key_A, Qt::ControlModifier);
  QTest::keyClicks(QApplication::focusWidget(), text);
}

void RecipeHistoryTest::undoesWhatWasTypedAsOneStep() {
  type(name(), QStringLiteral("mine"));
  QCOMPARE(form().recipe().name, std::string("mine"));
  undo();
  QCOMPARE(form().recipe().name, std::string("RTN 4-bit"));
  QCOMPARE(name()->text(), QStringLiteral("RTN 4-bit"));
  redo();
  QCOMPARE(form().recipe().name, std::string("mine"));
  press(Qt::Key_Z, Qt::ControlModifier);
  press(Qt::Key_Y, Qt::ControlModifier);
  QCOMPARE(form().recipe().name, std::string("mine"));
}

void RecipeHistoryTest::keepsFieldsApart() {
  type(name(), QStringLiteral("one"));
  QWidget* bits = form().grid()->parameters()->editor("bits");
  bits->setFocus();
  press(Qt::Key_A, Qt::ControlModifier);
  QTest::keyClicks(bits, QStringLiteral("3"));
  type(name(), QStringLiteral("two"));
  QCOMPARE(steps().count(), 3);
  undo();
  QCOMPARE(form().recipe().name, std::string("one"));
  QCOMPARE(form().recipe().grid.parameters, (base::Json{{"bits", 3}}));
  undo();
  QCOMPARE(form().recipe().grid.parameters, base::Json::object());
  QCOMPARE(form().recipe().name, std::string("one"));
  undo();
  QCOMPARE(form().recipe().name, std::string("RTN 4-bit"));
  QVERIFY(!steps().canUndo());
}

void RecipeHistoryTest::undoesAPreset() {
  auto* preset = m_window->findChild<QComboBox*>(QStringLiteral("preset"));
  type(name(), QStringLiteral("mine"));
  preset->setFocus();
  press(Qt::Key_Down, Qt::NoModifier);
  QCOMPARE(form().recipe().rounding.use, std::string("gptq"));
  QCOMPARE(form().recipe().name, std::string("GPTQ 4-bit"));
  undo();
  QCOMPARE(form().recipe().rounding.use, std::string("rtn"));
  QCOMPARE(form().recipe().name, std::string("mine"));
  undo();
  QCOMPARE(preset->currentText(), QStringLiteral("RTN 4-bit"));
  redo();
  redo();
  QCOMPARE(form().recipe().rounding.parameters, (base::Json{{"blockSize", 64}}));
  QCOMPARE(preset->currentText(), QStringLiteral("GPTQ 4-bit"));
}

void RecipeHistoryTest::undoesTransforms() {
  auto* add = m_window->findChild<QPushButton*>(QStringLiteral("addTransform"));
  QTest::mouseClick(add, Qt::LeftButton);
  QCOMPARE(form().recipe().transforms.size(), size_t(1));
  auto* clip = form().transforms()->findChild<QCheckBox*>(QStringLiteral("clip"));
  clip->click();
  QCOMPARE(form().recipe().transforms[0].parameters, (base::Json{{"clip", false}}));
  undo();
  QCOMPARE(form().recipe().transforms[0].parameters, base::Json::object());
  undo();
  QCOMPARE(form().recipe().transforms.size(), size_t(0));
  redo();
  redo();
  QCOMPARE(form().recipe().transforms[0].parameters, (base::Json{{"clip", false}}));
}

void RecipeHistoryTest::undoesTheCalibrationFileAlone() {
  auto* preset = m_window->findChild<QComboBox*>(QStringLiteral("preset"));
  preset->setFocus();
  press(Qt::Key_Down, Qt::NoModifier);
  auto* file = form().calibration()->findChild<PathField*>();
  type(file->edit(), QStringLiteral("/tmp/a"));
  QCOMPARE(form().calibrationFile(), QStringLiteral("/tmp/a"));
  undo();
  QCOMPARE(form().calibrationFile(), QString());
  QCOMPARE(form().recipe().rounding.use, std::string("gptq"));
}

void RecipeHistoryTest::keepsAnOverrideThatIsNotUnderstood() {
  const auto cell = [this] { return form().policy()->overrides()->item(0, 1); };
  form().policy()->setText(
      {QStringLiteral("lm_head"), {{QStringLiteral("layers.0.*"), QStringLiteral("bits=")}}});
  emit form().policy()->changed();
  type(name(), QStringLiteral("mine"));
  cell()->setText(QStringLiteral("bits=8"));
  QCOMPARE(form().recipe().policy.overrides[0].grid, (base::Json{{"bits", 8}}));
  name()->setFocus();
  undo();
  QCOMPARE(cell()->text(), QStringLiteral("bits="));
}

void RecipeHistoryTest::countsNothingThatNobodyAskedFor() {
  QVERIFY(m_fake->directory.isValid());
  const std::filesystem::path folder = m_fake->directory.path().toStdString();
  QFile prompts(m_fake->directory.filePath(QStringLiteral("calibration.json")));
  QVERIFY(prompts.open(QIODevice::WriteOnly));
  type(name(), QStringLiteral("mine"));
  QSignalSpy changed(m_fake->session.get(), &Session::modelChanged);
  m_fake->session->openModel(folder / "model");
  NIB_WAIT(changed.count() == 1);
  m_window->showPage(Page::Recipe);
  QCOMPARE(form().calibration()->file(), prompts.fileName());
  QCOMPARE(steps().count(), 1);
  name()->setFocus();
  undo();
  QCOMPARE(form().recipe().name, std::string("RTN 4-bit"));
  QCOMPARE(form().calibration()->file(), prompts.fileName()); // the proposed file stays
}

void RecipeHistoryTest::forgetsAStepThatChangesNothing() {
  type(name(), QStringLiteral("RTN 4-bit"));
  QVERIFY(!steps().canUndo());
}

void RecipeHistoryTest::saysWhatIsUndone() {
  QWidget* bits = form().grid()->parameters()->editor("bits");
  bits->setFocus();
  press(Qt::Key_A, Qt::ControlModifier);
  QTest::keyClicks(bits, QStringLiteral("3"));
  QVERIFY2(steps().undoText().contains(QStringLiteral("Bits")), qPrintable(steps().undoText()));
  auto* preset = m_window->findChild<QComboBox*>(QStringLiteral("preset"));
  preset->setFocus();
  press(Qt::Key_Down, Qt::NoModifier);
  QVERIFY2(steps().undoText().contains(QStringLiteral("GPTQ 4-bit")), qPrintable(steps().undoText()));
}

void RecipeHistoryTest::undoesOnlyWhereTheRecipeIsSeen() {
  type(name(), QStringLiteral("mine"));
  m_window->showPage(Page::Devices);
  undo();
  QCOMPARE(form().recipe().name, std::string("mine"));
  m_window->showPage(Page::Recipe);
  undo(); // the page has the focus, not one of its fields
  QCOMPARE(form().recipe().name, std::string("RTN 4-bit"));
}

} // namespace nibblesmith::ui

NIB_TEST(nibblesmith::ui::RecipeHistoryTest)
#include "recipe_history_test.moc"
