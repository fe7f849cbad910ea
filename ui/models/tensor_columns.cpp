// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/tensor_columns.hpp"

#include "ui/models/number_text.hpp"
#include "ui/session/text.hpp"

#include <QCoreApplication>
#include <QStringList>

namespace nibblesmith::ui {

namespace {

QString tr(const char* text) { return QCoreApplication::translate("TensorColumns", text); }

qulonglong elements(const model::TensorInfo& tensor) {
  qulonglong count = 1;
  for (const int64_t size : tensor.shape)
    count *= static_cast<qulonglong>(std::max<int64_t>(size, 0));
  return count;
}

} // namespace

QString shapeText(const std::vector<int64_t>& shape) {
  QStringList sizes;
  for (const int64_t size : shape)
    sizes << QString::number(size);
  return sizes.join(QStringLiteral(" × "));
}

std::vector<Column<model::TensorInfo>> tensorColumns() {
  using Tensor = model::TensorInfo;
  return {
      {QStringLiteral("name"),
       tr("Tensor"),
       tr("The tensor's name in the file"),
       false,
       [](const Tensor& tensor) { return toQString(std::string_view(tensor.name)); },
       {},
       {}},
      {QStringLiteral("dtype"),
       tr("Type"),
       tr("How the values are stored"),
       false,
       [](const Tensor& tensor) { return toQString(std::string_view(tensor.dtype)); },
       {},
       {}},
      {QStringLiteral("shape"),
       tr("Shape"),
       tr("Sizes, the last one contiguous in memory"),
       true,
       [](const Tensor& tensor) { return shapeText(tensor.shape); },
       [](const Tensor& tensor) { return QVariant(elements(tensor)); },
       {}},
      {QStringLiteral("elements"),
       tr("Elements"),
       tr("Number of values"),
       true,
       [](const Tensor& tensor) { return wholeText(elements(tensor)); },
       [](const Tensor& tensor) { return QVariant(elements(tensor)); },
       {}},
      {QStringLiteral("bytes"),
       tr("Size"),
       tr("Bytes as stored, in binary units"),
       true,
       [](const Tensor& tensor) { return bytesText(tensor.bytes); },
       [](const Tensor& tensor) { return QVariant(static_cast<qulonglong>(tensor.bytes)); },
       {}},
  };
}

} // namespace nibblesmith::ui
