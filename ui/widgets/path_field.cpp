// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/path_field.hpp"
#include "ui/widgets/help.hpp"

#include "ui/widgets/icons.hpp"

#include <QDragEnterEvent>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QLineEdit>
#include <QMimeData>
#include <QToolButton>
#include <QUrl>

namespace nibblesmith::ui {

PathField::PathField(Kind kind, const QString& dialogTitle, const QString& fileFilter, QWidget* parent)
    : QWidget(parent), m_kind(kind), m_title(dialogTitle), m_filter(fileFilter), m_edit(new QLineEdit),
      m_button(new QToolButton) {
  m_button->setIcon(icon(Icon::Open));
  setHelp(m_button, dialogTitle);
  m_button->setAccessibleName(dialogTitle);
  m_edit->setClearButtonEnabled(true);
  m_edit->setAcceptDrops(false); // the whole field accepts files; a line edit would insert the URL as text
  setAcceptDrops(true);
  setFocusProxy(m_edit);
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(4);
  layout->addWidget(m_edit, 1);
  layout->addWidget(m_button);
  connect(m_button, &QToolButton::clicked, this, &PathField::choose);
  connect(m_edit, &QLineEdit::textChanged, this, [this] { emit pathChanged(path()); });
}

QString PathField::path() const { return m_edit->text().trimmed(); }

void PathField::setPath(const QString& path) {
  if (path != m_edit->text())
    m_edit->setText(path);
  // Shows the end of the path, which is more informative than its start.
  m_edit->setCursorPosition(static_cast<int>(m_edit->text().size()));
}

void PathField::setPlaceholder(const QString& text) { m_edit->setPlaceholderText(text); }

void PathField::choose() {
  const QString chosen = m_kind == Kind::OpenFile
                             ? QFileDialog::getOpenFileName(this, m_title, path(), m_filter)
                             : QFileDialog::getExistingDirectory(this, m_title, path());
  if (!chosen.isEmpty())
    setPath(chosen);
}

void PathField::dragEnterEvent(QDragEnterEvent* event) {
  if (event->mimeData()->hasUrls() && event->mimeData()->urls().constFirst().isLocalFile())
    event->acceptProposedAction();
}

void PathField::dropEvent(QDropEvent* event) {
  setPath(event->mimeData()->urls().constFirst().toLocalFile());
  event->acceptProposedAction();
}

} // namespace nibblesmith::ui
