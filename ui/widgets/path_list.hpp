// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QStringList>
#include <QWidget>

class QListWidget;
class QToolButton;

namespace nibblesmith::ui {

/// Short list of files that can be chosen or dropped. GUI thread.
class PathList : public QWidget {
  Q_OBJECT

public:
  PathList(const QString& dialogTitle, const QString& fileFilter, QWidget* parent = nullptr);

  QStringList paths() const;
  void setPaths(const QStringList& paths);

signals:
  void pathsChanged();

protected:
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;

private:
  void add(const QStringList& paths);
  void choose();
  void removeSelected();

  QString m_title;
  QString m_filter;
  QListWidget* m_list;
  QToolButton* m_remove;
};

} // namespace nibblesmith::ui
