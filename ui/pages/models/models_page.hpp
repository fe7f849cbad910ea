// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/models/record_model.hpp"
#include "ui/models/tensor_columns.hpp"

#include <QWidget>

class QStackedLayout;
class QVBoxLayout;

namespace nibblesmith::ui {

class EmptyState;
class Facts;
class Label;
class Session;
class TableView;
class WeightsCard;
class WordFilter;

/// Page that opens a model and shows its architecture, sizes and tensors. GUI thread.
class ModelsPage : public QWidget {
  Q_OBJECT

public:
  explicit ModelsPage(Session& session, QWidget* parent = nullptr);

  /// For tests.
  TableView* tensorTable() const { return m_table; }
  WeightsCard* weights() const { return m_weights; }

private:
  QWidget* makeEmptyView();
  QWidget* makeModelView();
  QWidget* makeTensorCard();
  void showModel();
  void showOpening(const QString& path);
  void showFailure(const QString& path, const QString& error);
  void listRecent();

  Session& m_session;
  QStackedLayout* m_stack = nullptr;
  EmptyState* m_empty = nullptr;
  Label* m_problem = nullptr;
  Label* m_problemBesideModel = nullptr;
  QVBoxLayout* m_recent = nullptr;
  Label* m_opening = nullptr;
  Label* m_name = nullptr;
  Label* m_path = nullptr;
  Facts* m_architecture = nullptr;
  Facts* m_sizes = nullptr;
  Facts* m_origin = nullptr;
  WeightsCard* m_weights = nullptr;
  Label* m_count = nullptr;
  RecordModel<model::TensorInfo> m_tensors;
  WordFilter* m_filter = nullptr;
  TableView* m_table = nullptr;
};

} // namespace nibblesmith::ui
