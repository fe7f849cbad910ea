// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "devices/device.hpp"
#include "ui/models/experiment_columns.hpp"
#include "ui/models/record_model.hpp"

#include <QWidget>

#include <map>
#include <optional>

class QListWidget;
class QPushButton;
class QStackedLayout;

namespace nibblesmith::ui {

class Card;
class EmptyState;
class Facts;
class Label;
class Session;
class TableView;
class WordFilter;

/// Page of the devices: connection settings, hardware, deployed version and measurements. GUI thread.
class DevicesPage : public QWidget {
  Q_OBJECT

public:
  explicit DevicesPage(Session& session, QWidget* parent = nullptr);

  QListWidget* list() const { return m_list; }
  TableView* results() const { return m_table; }
  void addDevice();

private:
  QWidget* makeEmptyView();
  QWidget* makeDevicesView();
  QWidget* makeDetails();
  std::optional<devices::Device> selected() const;
  void onDevicesChanged();
  void showSelected();
  void showTest();
  void showResults();
  void editSelected();
  void removeSelected();
  void rollBackSelected();
  void onJobChanged(quint64 id);

  Session& m_session;
  RecordModel<ExperimentRow> m_results;
  WordFilter* m_filter = nullptr;
  QStackedLayout* m_stack = nullptr;
  EmptyState* m_empty = nullptr;
  QListWidget* m_list = nullptr;
  Label* m_name = nullptr;
  Facts* m_access = nullptr;
  Card* m_probeCard = nullptr;
  Facts* m_probe = nullptr;
  Label* m_probeText = nullptr;
  Label* m_noResults = nullptr;
  TableView* m_table = nullptr;
  QPushButton *m_test = nullptr, *m_deploy = nullptr, *m_rollBack = nullptr;
  std::map<QString, quint64> m_tests; ///< latest connection test of each device
};

} // namespace nibblesmith::ui
