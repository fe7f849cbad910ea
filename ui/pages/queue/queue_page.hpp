// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/models/job_model.hpp"

#include <QWidget>

class QAction;
class QStackedLayout;

namespace nibblesmith::ui {

class JobDetails;
class Session;
class TableView;

/// Page of the jobs, with their progress and results. GUI thread.
class QueuePage : public QWidget {
  Q_OBJECT

public:
  explicit QueuePage(Session& session, QWidget* parent = nullptr);
  TableView* table() const { return m_table; }
  JobDetails* details() const { return m_details; }
  void select(JobId id);

private:
  QWidget* makeEmptyView();
  QWidget* makeJobsView();
  std::vector<JobId> selected() const;
  void update();
  void updateDetails();
  void cancelSelected();
  void retrySelected();

  Session& m_session;
  JobModel m_model;
  QStackedLayout* m_stack = nullptr;
  TableView* m_table = nullptr;
  JobDetails* m_details = nullptr;
  QAction* m_cancel = nullptr;
  QAction* m_retry = nullptr;
  QAction* m_clear = nullptr;
};

} // namespace nibblesmith::ui
