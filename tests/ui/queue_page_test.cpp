// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"

#include "nib_test.hpp"
#include "ui/pages/queue/job_details.hpp"
#include "ui/pages/queue/queue_page.hpp"
#include "ui/widgets/message_dialog.hpp"
#include "ui/widgets/table_view.hpp"
#include "workflow/benchmark.hpp"
#include "workflow/quantize.hpp"

#include <QAction>
#include <QLabel>
#include <QTest>

namespace nibblesmith::ui {

class QueuePageTest : public QObject {
  Q_OBJECT

private slots:
  void init();
  void cancelsTheSelectedJob();
  void cancelsAWaitingJobUnasked();
  void showsWhyAJobFailedAndRetriesIt();
  void showsTheLayerReport();
  void clearsEndedJobs();

private:
  JobId add(JobFunction function);
  /// Calls `look` with the next question.
  void answer(const std::function<void(MessageDialog&)>& look);
  QAction* action(const char* name) const { return m_page->findChild<QAction*>(QString::fromLatin1(name)); }
  bool shows(const QString& text) const;
  JobQueue& queue() const { return m_fake->session->queue(); }

  std::unique_ptr<test::FakeSession> m_fake;
  std::unique_ptr<QueuePage> m_page;
};

void QueuePageTest::init() {
  m_page.reset();
  m_fake = std::make_unique<test::FakeSession>();
  m_page = std::make_unique<QueuePage>(m_fake->start());
  m_page->resize(1100, 700);
  m_page->show();
  m_page->activateWindow();
  QVERIFY(QTest::qWaitForWindowActive(m_page.get()));
}

JobId QueuePageTest::add(JobFunction function) {
  JobSpec spec;
  spec.title = QStringLiteral("some work");
  spec.function = std::move(function);
  return queue().add(std::move(spec));
}

void QueuePageTest::answer(const std::function<void(MessageDialog&)>& look) {
  m_page->activateWindow(); // as a window manager does after a question
  NIB_WAIT(QApplication::activeWindow() == m_page.get());
  QTimer::singleShot(0, this, [look] {
    auto* dialog = qobject_cast<MessageDialog*>(QApplication::activeModalWidget());
    QVERIFY(dialog);
    NIB_WAIT(QApplication::activeWindow() == dialog);
    look(*dialog);
  });
}

bool QueuePageTest::shows(const QString& text) const {
  const auto labels = m_page->findChildren<QLabel*>();
  return std::any_of(labels.begin(), labels.end(),
                     [&](const QLabel* label) { return label->isVisible() && label->text().contains(text); });
}

void QueuePageTest::cancelsTheSelectedJob() {
  QVERIFY(shows(QStringLiteral("Nothing to do")));
  const JobId id =
      add([](const std::stop_token& stop, base::Progress&) { return test::workUntilStopped(stop); });
  m_page->select(id);
  QVERIFY(action("cancel")->isEnabled());
  QVERIFY(!action("retry")->isEnabled());
  NIB_WAIT(queue().job(id)->state == JobState::Running);
  m_page->table()->setFocus();
  // Enter and Escape must not cancel the running job.
  for (const Qt::Key key : {Qt::Key_Return, Qt::Key_Escape}) {
    QString question;
    answer([&](MessageDialog& dialog) {
      for (const QLabel* label : dialog.findChildren<QLabel*>())
        question += label->text();
      QTest::keyClick(QApplication::focusWidget(), key);
    });
    QTest::keyClick(m_page->table(), Qt::Key_Delete);
    QVERIFY2(question.contains(QStringLiteral("some work")), qPrintable(question));
    QCOMPARE(queue().job(id)->state, JobState::Running);
  }
  answer([](MessageDialog& dialog) {
    QTest::mouseClick(dialog.findChild<QPushButton*>(QStringLiteral("act")), Qt::LeftButton);
  });
  QTest::keyClick(m_page->table(), Qt::Key_Delete);
  NIB_WAIT(queue().job(id)->state == JobState::Cancelled);
  QVERIFY(!action("cancel")->isEnabled());
  QVERIFY(action("retry")->isEnabled());
}

void QueuePageTest::cancelsAWaitingJobUnasked() {
  const auto work = [](const std::stop_token& stop, base::Progress&) { return test::workUntilStopped(stop); };
  add(work);
  const JobId waiting = add(work);
  m_page->select(waiting);
  QTest::keyClick(m_page->table(), Qt::Key_Delete);
  QCOMPARE(queue().job(waiting)->state, JobState::Cancelled);
}

void QueuePageTest::showsWhyAJobFailedAndRetriesIt() {
  int calls = 0;
  const JobId id = add([&calls](const std::stop_token&, base::Progress&) -> std::any {
    if (++calls == 1)
      throw base::Error(base::ErrorCode::Io, "cannot write 'x': No space left on device");
    return {};
  });
  m_page->select(id);
  NIB_WAIT(queue().job(id)->ended());
  QVERIFY(shows(QStringLiteral("No space left on device")));
  action("retry")->trigger();
  NIB_WAIT(queue().waitingOrRunning() == 0);
  QCOMPARE(calls, 2);
  QVERIFY(!shows(QStringLiteral("No space left on device")));
}

void QueuePageTest::showsTheLayerReport() {
  const JobId id = m_fake->session->quantize({"/models/demo", {}, {}, "/artifacts/one"}, {});
  m_page->select(id);
  NIB_WAIT(queue().job(id)->ended());
  const QAbstractItemModel* layers = m_page->details()->layerTable()->model();
  QCOMPARE(layers->rowCount(), 1);
  QCOMPARE(layers->index(0, 0).data().toString(), QStringLiteral("layers.0.mlp.up_proj"));
  QVERIFY(m_page->details()->layerTable()->isVisible());
  QVERIFY(shows(QStringLiteral("/artifacts/one")));
  const JobId other = m_fake->session->benchmark({"/artifacts/one", {}}, QStringLiteral("one"));
  m_page->select(other);
  NIB_WAIT(queue().job(other)->ended());
  QVERIFY(!m_page->details()->layerTable()->isVisible());
}

void QueuePageTest::clearsEndedJobs() {
  add([](const std::stop_token&, base::Progress&) -> std::any { return {}; });
  NIB_WAIT(queue().waitingOrRunning() == 0);
  action("clear")->trigger();
  QCOMPARE(m_page->table()->model()->rowCount(), 0);
  QVERIFY(shows(QStringLiteral("Nothing to do")));
}

} // namespace nibblesmith::ui

NIB_TEST(nibblesmith::ui::QueuePageTest)
#include "queue_page_test.moc"
