// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "devices/ssh_session.hpp"

#include <QObject>

#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>

namespace nibblesmith::ui {

/// Passes a worker's question about an unknown host key to the window, and the answer back. The worker waits,
/// the window never does; a stop request ends the wait. ask() on any worker, the rest on the GUI thread.
class HostKeyPrompt : public QObject {
  Q_OBJECT

public:
  explicit HostKeyPrompt(QObject* parent = nullptr) : QObject(parent) {}

  /// Asks and waits for the answer. Worker thread. Throws base::Cancelled on a stop request.
  bool ask(const devices::HostKey& key, const std::stop_token& stop);
  /// Answers a question; ignored if no worker waits for it any more. GUI thread.
  void answer(quint64 question, bool trust);

signals:
  void asked(quint64 question, const nibblesmith::devices::HostKey& key);
  /// Emitted when the worker stops waiting; a dialog for this question can close.
  void withdrawn(quint64 question);

private:
  std::mutex m_mutex;
  quint64 m_lastQuestion = 0;
  std::map<quint64, std::promise<bool>> m_open;
};

} // namespace nibblesmith::ui
