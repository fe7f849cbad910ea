// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/session/host_key_prompt.hpp"

#include "base/error.hpp"

#include <chrono>

namespace nibblesmith::ui {

bool HostKeyPrompt::ask(const devices::HostKey& key, const std::stop_token& stop) {
  quint64 question = 0;
  std::future<bool> answered;
  {
    const std::lock_guard lock(m_mutex);
    question = ++m_lastQuestion;
    answered = m_open[question].get_future();
  }
  QMetaObject::invokeMethod(
      this, [this, question, key] { emit asked(question, key); }, Qt::QueuedConnection);
  while (answered.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready) {
    if (!stop.stop_requested())
      continue;
    {
      const std::lock_guard lock(m_mutex);
      m_open.erase(question);
    }
    QMetaObject::invokeMethod(
        this, [this, question] { emit withdrawn(question); }, Qt::QueuedConnection);
    throw base::Cancelled();
  }
  return answered.get();
}

void HostKeyPrompt::answer(quint64 question, bool trust) {
  const std::lock_guard lock(m_mutex);
  const auto found = m_open.find(question);
  if (found == m_open.end())
    return;
  found->second.set_value(trust);
  m_open.erase(found);
}

} // namespace nibblesmith::ui
