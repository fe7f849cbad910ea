// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"
#include "nib_test.hpp"

#include <QSignalSpy>
#include <QTest>

#include <future>

namespace nibblesmith::ui {

namespace {
const devices::HostKey kKey{"board", 22, "ssh-ed25519", "SHA256:abc"};
}

class HostKeyPromptTest : public QObject {
  Q_OBJECT

private slots:
  void bringsTheAnswerToTheWorker_data();
  void bringsTheAnswerToTheWorker();
  void aStopEndsTheWait();
  void ignoresALateAnswer();
};

void HostKeyPromptTest::bringsTheAnswerToTheWorker_data() {
  QTest::addColumn<bool>("trust");
  QTest::newRow("trusted") << true;
  QTest::newRow("refused") << false;
}

void HostKeyPromptTest::bringsTheAnswerToTheWorker() {
  QFETCH(bool, trust);
  HostKeyPrompt prompt;
  connect(&prompt, &HostKeyPrompt::asked, this, [&](quint64 question, const devices::HostKey& key) {
    QCOMPARE(key.fingerprint, kKey.fingerprint);
    QVERIFY(QThread::currentThread() == prompt.thread());
    prompt.answer(question, trust);
  });
  std::stop_source stop;
  auto answered = std::async(std::launch::async, [&] { return prompt.ask(kKey, stop.get_token()); });
  NIB_WAIT(answered.wait_for(std::chrono::seconds(0)) == std::future_status::ready);
  QCOMPARE(answered.get(), trust);
}

void HostKeyPromptTest::aStopEndsTheWait() {
  HostKeyPrompt prompt;
  QSignalSpy withdrawn(&prompt, &HostKeyPrompt::withdrawn);
  std::stop_source stop;
  auto answered = std::async(std::launch::async, [&] { return prompt.ask(kKey, stop.get_token()); });
  stop.request_stop();
  QVERIFY_EXCEPTION_THROWN(answered.get(), base::Cancelled);
  NIB_WAIT(withdrawn.count() == 1);
}

void HostKeyPromptTest::ignoresALateAnswer() {
  HostKeyPrompt prompt;
  std::stop_source stop;
  auto answered = std::async(std::launch::async, [&] { return prompt.ask(kKey, stop.get_token()); });
  stop.request_stop();
  QVERIFY_EXCEPTION_THROWN(answered.get(), base::Cancelled);
  prompt.answer(1, true);
  prompt.answer(99, true);
}

} // namespace nibblesmith::ui

NIB_TEST(nibblesmith::ui::HostKeyPromptTest)
#include "host_key_prompt_test.moc"
