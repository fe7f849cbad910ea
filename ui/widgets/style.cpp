// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/style.hpp"

namespace nibblesmith::ui {

namespace {
constexpr int kCellMargin = 6;
constexpr int kFieldRoom = 4;
constexpr int kButtonRoom = 16;
} // namespace

Style::Style() : QProxyStyle(QStringLiteral("Fusion")) {}

int Style::pixelMetric(PixelMetric metric, const QStyleOption* option, const QWidget* widget) const {
  if (metric == PM_FocusFrameHMargin || metric == PM_HeaderMargin)
    return kCellMargin;
  return QProxyStyle::pixelMetric(metric, option, widget);
}

QSize Style::sizeFromContents(ContentsType type, const QStyleOption* option, const QSize& size,
                              const QWidget* widget) const {
  const QSize usual = QProxyStyle::sizeFromContents(type, option, size, widget);
  switch (type) {
  case CT_PushButton:
    return usual + QSize(kButtonRoom, kFieldRoom);
  case CT_ComboBox:
  case CT_SpinBox:
  case CT_LineEdit:
    return usual + QSize(0, kFieldRoom);
  default:
    return usual;
  }
}

} // namespace nibblesmith::ui
