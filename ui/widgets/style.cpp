// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/style.hpp"

#include <QStyleOption>

namespace nibblesmith::ui {

namespace {
constexpr int kCellMargin = 6;
constexpr int kFieldRoom = 4;
constexpr int kButtonRoom = 10;

/// Fusion draws outlines in the window's colour darkened by a factor of 1.4. On dark palettes this is darker
/// than the card behind the field, so the outline is invisible. A window colour that is lighter by the same
/// factor yields our border colour.
QPalette withVisibleOutline(const QPalette& palette) {
  constexpr int kFusionDarkening = 140;
  constexpr int kClearerThanCards = 135;
  if (palette.color(QPalette::Window).lightness() >= 128)
    return palette;
  QPalette outlined = palette;
  outlined.setColor(QPalette::Window,
                    palette.color(QPalette::Mid).lighter(kClearerThanCards).lighter(kFusionDarkening));
  return outlined;
}
} // namespace

Style::Style() : QProxyStyle(QStringLiteral("Fusion")) {}

int Style::pixelMetric(PixelMetric metric, const QStyleOption* option, const QWidget* widget) const {
  if (metric == PM_FocusFrameHMargin || metric == PM_HeaderMargin)
    return kCellMargin;
  return QProxyStyle::pixelMetric(metric, option, widget);
}

int Style::styleHint(StyleHint hint, const QStyleOption* option, const QWidget* widget,
                     QStyleHintReturn* answer) const {
  if (hint == SH_DialogButtonBox_ButtonsHaveIcons)
    return 0; // the desktop's icons do not match ours
  return QProxyStyle::styleHint(hint, option, widget, answer);
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

void Style::drawPrimitive(PrimitiveElement element, const QStyleOption* option, QPainter* painter,
                          const QWidget* widget) const {
  if (element == PE_FrameLineEdit || element == PE_Frame) {
    if (const auto* frame = qstyleoption_cast<const QStyleOptionFrame*>(option)) {
      QStyleOptionFrame outlined(*frame);
      outlined.palette = withVisibleOutline(frame->palette);
      QProxyStyle::drawPrimitive(element, &outlined, painter, widget);
      return;
    }
  } else if (element == PE_IndicatorCheckBox) {
    if (const auto* button = qstyleoption_cast<const QStyleOptionButton*>(option)) {
      QStyleOptionButton outlined(*button);
      outlined.palette = withVisibleOutline(button->palette);
      QProxyStyle::drawPrimitive(element, &outlined, painter, widget);
      return;
    }
  }
  QProxyStyle::drawPrimitive(element, option, painter, widget);
}

void Style::drawComplexControl(ComplexControl control, const QStyleOptionComplex* option, QPainter* painter,
                               const QWidget* widget) const {
  if (const auto* box = qstyleoption_cast<const QStyleOptionSpinBox*>(option); box && control == CC_SpinBox) {
    QStyleOptionSpinBox outlined(*box);
    outlined.palette = withVisibleOutline(box->palette);
    QProxyStyle::drawComplexControl(control, &outlined, painter, widget);
    return;
  }
  QProxyStyle::drawComplexControl(control, option, painter, widget);
}

} // namespace nibblesmith::ui
