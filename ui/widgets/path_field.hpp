// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

class QLineEdit;
class QToolButton;

namespace nibblesmith::ui {

/// Field for a path that can be typed, chosen or dropped. GUI thread.
class PathField : public QWidget {
  Q_OBJECT

public:
  enum class Kind { OpenFile, Directory, NewDirectory };

  PathField(Kind kind, const QString& dialogTitle, const QString& fileFilter = {}, QWidget* parent = nullptr);

  QString path() const;
  void setPath(const QString& path);
  void setPlaceholder(const QString& text);
  QLineEdit* edit() const { return m_edit; }

signals:
  void pathChanged(const QString& path);

protected:
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;

private:
  void choose();

  Kind m_kind;
  QString m_title;
  QString m_filter;
  QLineEdit* m_edit;
  QToolButton* m_button;
};

} // namespace nibblesmith::ui
