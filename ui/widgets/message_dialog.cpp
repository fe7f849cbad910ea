// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/message_dialog.hpp"

#include "ui/widgets/card.hpp"
#include "ui/widgets/icons.hpp"
#include "ui/widgets/label.hpp"

#include <QPushButton>
#include <QVBoxLayout>

namespace nibblesmith::ui {

namespace {
constexpr int kIconSize = 40;
constexpr int kTextWidth = 420;
constexpr int kOther = QDialog::Accepted + 1; ///< result code of the button for Question::other
} // namespace

MessageDialog::MessageDialog(const QIcon& icon, const QString& title, const QString& text, QWidget* parent)
    : Dialog(title, parent), m_texts(new QVBoxLayout) {
  auto* picture = new Label;
  picture->setPixmap(icon.pixmap(QSize(kIconSize, kIconSize), devicePixelRatioF()));
  auto* heading = new Label(text);
  QFont bold = heading->font();
  bold.setBold(true);
  heading->setFont(bold);
  heading->setWordWrap(true);
  heading->setMinimumWidth(kTextWidth);
  m_texts->setSpacing(8);
  m_texts->addWidget(heading);
  auto* row = new QHBoxLayout;
  row->setSpacing(kPageMargin);
  row->addWidget(picture, 0, Qt::AlignTop);
  row->addLayout(m_texts, 1);
  body()->addLayout(row);
  body()->addStretch(1);
}

MessageDialog::MessageDialog(const QIcon& icon, const QString& title, const QString& text,
                             const QString& details, QWidget* parent)
    : MessageDialog(icon, title, text, parent) {
  addDetails(details);
  addButton(tr("Close"), QDialogButtonBox::RejectRole)->setDefault(true);
}

MessageDialog::MessageDialog(const Question& question, QWidget* parent)
    : MessageDialog(ui::icon(Icon::Question), question.title, question.text, parent) {
  addDetails(question.details);
  addButton(question.action, QDialogButtonBox::AcceptRole)->setObjectName(QStringLiteral("act"));
  if (!question.other.isEmpty()) {
    QPushButton* other = addButton(question.other, QDialogButtonBox::ActionRole);
    other->setObjectName(QStringLiteral("other"));
    connect(other, &QPushButton::clicked, this, [this] { done(kOther); });
  }
  QPushButton* keep = addButton(question.keep, QDialogButtonBox::RejectRole);
  keep->setObjectName(QStringLiteral("keep"));
  keep->setDefault(true);
}

Label* MessageDialog::addDetails(const QString& details) {
  auto* label = new Label(details);
  label->setWordWrap(true);
  label->setTextInteractionFlags(Qt::TextSelectableByMouse);
  label->setVisible(!details.isEmpty());
  m_texts->addWidget(label);
  return label;
}

Answer MessageDialog::answer() const {
  return result() == QDialog::Accepted ? Answer::Act : result() == kOther ? Answer::Other : Answer::Keep;
}

Answer ask(QWidget* parent, const Question& question) {
  MessageDialog dialog(question, parent);
  dialog.exec();
  return dialog.answer();
}

bool confirm(QWidget* parent, const Question& question) { return ask(parent, question) == Answer::Act; }

void showProblem(QWidget* parent, const QString& title, const QString& text) {
  MessageDialog(icon(Icon::Problem), title, text, {}, parent).exec();
}

} // namespace nibblesmith::ui
