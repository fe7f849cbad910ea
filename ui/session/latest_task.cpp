// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/session/latest_task.hpp"

namespace nibblesmith::ui {

LatestTask::LatestTask(QObject* parent) : QObject(parent) {
  m_delay.setSingleShot(true);
  connect(&m_delay, &QTimer::timeout, this, [this] { start(std::exchange(m_delayed, nullptr)); });
}

LatestTask::~LatestTask() {
  m_thread.request_stop();
  if (m_thread.joinable())
    m_thread.join();
}

void LatestTask::startAfter(int delayMs, Function function) {
  cancel();
  m_wanted = true;
  m_delayed = std::move(function);
  m_delay.start(delayMs);
}

void LatestTask::start(Function function) {
  m_delay.stop();
  m_wanted = true;
  if (m_busy) {
    m_next = std::move(function);
    m_thread.request_stop();
  } else {
    launch(std::move(function));
  }
}

void LatestTask::cancel() {
  m_delay.stop();
  m_wanted = false;
  m_next = nullptr;
  m_thread.request_stop();
}

void LatestTask::launch(Function function) {
  m_busy = true;
  m_thread = std::jthread([this, function = std::move(function)](const std::stop_token& stop) {
    JobOutcome outcome = runToOutcome([&] { return function(stop); });
    QMetaObject::invokeMethod(
        this, [this, outcome = std::move(outcome)]() mutable { finish(std::move(outcome)); },
        Qt::QueuedConnection);
  });
}

void LatestTask::finish(JobOutcome outcome) {
  m_thread.join();
  m_busy = false;
  if (m_next) {
    launch(std::exchange(m_next, nullptr));
    return;
  }
  if (!m_wanted || m_delay.isActive())
    return;
  m_wanted = false;
  if (outcome.state == JobState::Finished)
    emit done(outcome.result);
  else
    emit failed(outcome.state == JobState::Cancelled ? tr("Cancelled") : outcome.error);
}

} // namespace nibblesmith::ui
