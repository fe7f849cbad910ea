// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/path_list.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/help.hpp"

#include "ui/widgets/icons.hpp"

#include <QBoxLayout>
#include <QDragEnterEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QListWidget>
#include <QMimeData>
#include <QToolButton>
#include <QUrl>

namespace nibblesmith::ui {

PathList::PathList(const QString& dialogTitle, const QString& fileFilter, QWidget* parent)
    : QWidget(parent), m_title(dialogTitle), m_filter(fileFilter), m_list(new QListWidget),
      m_remove(new QToolButton) {
  setAcceptDrops(true);
  m_list->setFixedHeight(3 * fontMetrics().height() + 16);
  m_list->setSelectionMode(QAbstractItemView::ExtendedSelection);
  m_list->setAccessibleName(dialogTitle);
  setFocusProxy(m_list);
  auto* add = new QToolButton;
  add->setIcon(icon(Icon::Add));
  setHelp(add, dialogTitle);
  m_remove->setIcon(icon(Icon::Remove));
  setHelp(m_remove, tr("Take the selected files off the list"));
  m_remove->setEnabled(false);
  auto* buttons = new QVBoxLayout;
  buttons->setSpacing(2);
  buttons->addWidget(add);
  buttons->addWidget(m_remove);
  buttons->addStretch(1);
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(4);
  layout->addWidget(m_list, 1);
  layout->addLayout(buttons);
  connect(add, &QToolButton::clicked, this, &PathList::choose);
  connect(m_remove, &QToolButton::clicked, this, &PathList::removeSelected);
  connect(m_list, &QListWidget::itemSelectionChanged, this,
          [this] { m_remove->setEnabled(!m_list->selectedItems().isEmpty()); });
}

QStringList PathList::paths() const {
  QStringList paths;
  for (int row = 0; row < m_list->count(); ++row)
    paths << m_list->item(row)->data(Qt::UserRole).toString();
  return paths;
}

void PathList::setPaths(const QStringList& paths) {
  if (paths == this->paths())
    return;
  m_list->clear();
  add(paths);
}

void PathList::add(const QStringList& paths) {
  for (const QString& path : paths) {
    if (this->paths().contains(path))
      continue;
    auto* item = new QListWidgetItem(foreignText(QFileInfo(path).fileName()), m_list);
    item->setData(Qt::UserRole, path);
    setHelp(item, path);
  }
  emit pathsChanged();
}

void PathList::choose() {
  const QStringList chosen = QFileDialog::getOpenFileNames(this, m_title, {}, m_filter);
  if (!chosen.isEmpty())
    add(chosen);
}

void PathList::removeSelected() {
  qDeleteAll(m_list->selectedItems());
  emit pathsChanged();
}

void PathList::dragEnterEvent(QDragEnterEvent* event) {
  if (event->mimeData()->hasUrls())
    event->acceptProposedAction();
}

void PathList::dropEvent(QDropEvent* event) {
  QStringList files;
  for (const QUrl& url : event->mimeData()->urls())
    if (url.isLocalFile())
      files << url.toLocalFile();
  add(files);
  event->acceptProposedAction();
}

} // namespace nibblesmith::ui
