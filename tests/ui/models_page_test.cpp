// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"

#include "nib_test.hpp"
#include "ui/models/tool_tip_text.hpp"
#include "ui/pages/models/models_page.hpp"
#include "ui/pages/models/weights_card.hpp"
#include "ui/widgets/table_view.hpp"

#include <QChart>
#include <QChartView>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>

namespace nibblesmith::ui {

class ModelsPageTest : public QObject {
  Q_OBJECT

private slots:
  void init();
  void opensTheDemoModel();
  void filtersAndSortsTensors();
  void saysWhyAModelDoesNotOpen();
  void showsTheWholeOfALongProblem();
  void keepsTheOpenModelWhereAnotherDoesNotOpen();
  void offersRecentModels();
  void drawsTheWeightsOfATensor();

private:
  bool shows(const QString& text) const;
  void open(const std::filesystem::path& path);
  void failToOpen(const std::filesystem::path& path);

  std::unique_ptr<test::FakeSession> m_fake;
  std::unique_ptr<ModelsPage> m_page;
};

void ModelsPageTest::init() {
  m_page.reset();
  m_fake = std::make_unique<test::FakeSession>();
  std::filesystem::create_directories(m_fake->directory.path().toStdString() + "/demo/model");
  m_page = std::make_unique<ModelsPage>(m_fake->start());
  m_page->resize(1100, 700);
  m_page->show();
}

bool ModelsPageTest::shows(const QString& text) const {
  const auto labels = m_page->findChildren<QLabel*>();
  return std::any_of(labels.begin(), labels.end(),
                     [&](const QLabel* label) { return label->isVisible() && label->text().contains(text); });
}

void ModelsPageTest::open(const std::filesystem::path& path) {
  QSignalSpy changed(m_fake->session.get(), &Session::modelChanged);
  m_fake->session->openModel(path);
  NIB_WAIT(changed.count() == 1);
}

void ModelsPageTest::failToOpen(const std::filesystem::path& path) {
  QSignalSpy failed(m_fake->session.get(), &Session::modelFailed);
  m_fake->session->openModel(path);
  NIB_WAIT(failed.count() == 1);
}

void ModelsPageTest::opensTheDemoModel() {
  QVERIFY(shows(QStringLiteral("Open a model to start")));
  QSignalSpy changed(m_fake->session.get(), &Session::modelChanged);
  QTest::mouseClick(m_page->findChild<QPushButton*>(QStringLiteral("openDemo")), Qt::LeftButton);
  NIB_WAIT(changed.count() == 1);
  QVERIFY(shows(QStringLiteral("6.0 M (6,000,000)")));
  QVERIFY(shows(QStringLiteral("8, sharing 4 key/value heads")));
  QCOMPARE(m_page->tensorTable()->model()->rowCount(), 4);
}

void ModelsPageTest::filtersAndSortsTensors() {
  open("/models/demo");
  auto* filter = m_page->findChild<QLineEdit*>(QStringLiteral("tensorFilter"));
  QTest::keyClicks(filter, QStringLiteral("mlp layers.1"));
  QCOMPARE(m_page->tensorTable()->model()->rowCount(), 1);
  QVERIFY(shows(QStringLiteral("1 of 4 tensors")));
  filter->clear();
  constexpr int kSizeColumn = 4;
  QHeaderView* header = m_page->tensorTable()->horizontalHeader();
  const QPoint middle(header->sectionViewportPosition(kSizeColumn) + header->sectionSize(kSizeColumn) / 2,
                      header->height() / 2);
  QTest::mouseClick(header->viewport(), Qt::LeftButton, {}, middle);
  QCOMPARE(m_page->tensorTable()->model()->index(0, 0).data().toString(),
           QStringLiteral("model.norm.weight"));
  QTest::mouseClick(header->viewport(), Qt::LeftButton, {}, middle);
  QCOMPARE(m_page->tensorTable()->model()->index(0, 0).data().toString(),
           QStringLiteral("model.embed_tokens.weight"));
}

void ModelsPageTest::saysWhyAModelDoesNotOpen() {
  failToOpen("/models/broken");
  QVERIFY(shows(QStringLiteral("/models/broken could not be opened")));
  QVERIFY(shows(QStringLiteral("expected 10 bytes, found 3")));
  open("/models/demo");
  QVERIFY(!shows(QStringLiteral("could not be opened")));
}

void ModelsPageTest::showsTheWholeOfALongProblem() {
  const std::string longName = "/models/" + std::string(90, 'a') + " " + std::string(90, 'b') + "/broken";
  failToOpen(longName);
  const auto labels = m_page->findChildren<QLabel*>();
  const auto problem = std::find_if(labels.begin(), labels.end(), [](const QLabel* label) {
    return label->text().contains(QStringLiteral("found 3"));
  });
  QVERIFY(problem != labels.end());
  NIB_WAIT((*problem)->height() >= (*problem)->heightForWidth((*problem)->width()));
}

void ModelsPageTest::keepsTheOpenModelWhereAnotherDoesNotOpen() {
  open("/models/demo");
  failToOpen("/models/broken");
  QVERIFY(shows(QStringLiteral("/models/broken could not be opened")));
  QVERIFY(m_page->tensorTable()->isVisible());
  QCOMPARE(m_fake->session->modelName(), QStringLiteral("demo"));
  QVERIFY(m_fake->session->model());
  open("/models/demo");
  QVERIFY(!shows(QStringLiteral("could not be opened")));
}

void ModelsPageTest::offersRecentModels() {
  open("/models/one");
  ModelsPage another(*m_fake->session); // simulates the next start
  another.show();
  const auto buttons = another.findChildren<QPushButton*>();
  const auto recent = std::find_if(buttons.begin(), buttons.end(), [](const QPushButton* button) {
    return button->toolTip() == toolTipText(QStringLiteral("/models/one"));
  });
  QVERIFY(recent != buttons.end());
  QSignalSpy changed(m_fake->session.get(), &Session::modelChanged);
  QTest::mouseClick(*recent, Qt::LeftButton);
  NIB_WAIT(changed.count() == 1);
  QCOMPARE(m_fake->session->modelName(), QStringLiteral("one"));
}

void ModelsPageTest::drawsTheWeightsOfATensor() {
  open("/models/demo");
  QVERIFY(shows(QStringLiteral("apache-2.0")));
  QVERIFY(shows(QStringLiteral("Choose a tensor")));
  QVERIFY(!m_page->weights()->statistics());
  TableView* table = m_page->tensorTable();
  table->selectRow(1);
  NIB_WAIT(m_page->weights()->statistics());
  QVERIFY(shows(QStringLiteral("model.layers.0.mlp.up_proj.weight")));
  QVERIFY(shows(QStringLiteral("1 (2)"))); // one outlier, in channel 2
  const auto views = m_page->weights()->findChildren<QChartView*>();
  QCOMPARE(views.size(), 2);
  for (const QChartView* view : views)
    QVERIFY(view->isVisible() && !view->chart()->series().isEmpty());
  // An error message replaces the charts, and disappears again.
  table->selectRow(3);
  NIB_WAIT(shows(QStringLiteral("expected finite values")));
  QVERIFY(!views[0]->isVisible());
  table->selectRow(2);
  NIB_WAIT(m_page->weights()->statistics());
  open("/models/other");
  QVERIFY(shows(QStringLiteral("Choose a tensor")));
}

} // namespace nibblesmith::ui

NIB_TEST(nibblesmith::ui::ModelsPageTest)
#include "models_page_test.moc"
