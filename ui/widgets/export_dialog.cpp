// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/export_dialog.hpp"

#include "ui/widgets/card.hpp"
#include "ui/widgets/form_field.hpp"
#include "ui/widgets/gguf_type_combo.hpp"
#include "ui/widgets/label.hpp"

#include <QComboBox>
#include <QFormLayout>
#include <QVBoxLayout>

namespace nibblesmith::ui {

ExportDialog::ExportDialog(const QString& artifact, double bits, QWidget* parent)
    : FormDialog(tr("Export as GGUF"), tr("Choose a file…"), parent), m_type(makeGgufTypeCombo(bits)) {
  auto* name = new Label(artifact);
  name->setWordWrap(true);
  QFormLayout* form = makeFormLayout();
  addFormRow(*form, tr("Type"), new FormField(m_type));
  body()->addWidget(name);
  body()->addLayout(form);
  body()->addWidget(makeHint(ggufTypeHint()));
}

exporting::GgufType ExportDialog::type() const { return ggufTypeOf(*m_type); }

} // namespace nibblesmith::ui
