// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/charts/color_scale.hpp"

#include <QPainter>

#include <algorithm>
#include <array>
#include <cmath>

namespace nibblesmith::ui {

namespace {
constexpr std::array<QRgb, 9> kAnchors = {0xff440154, 0xff472d7b, 0xff3b528b, 0xff2c728e, 0xff21918c,
                                          0xff28ae80, 0xff5ec962, 0xffaddc30, 0xfffde725};
constexpr int kBarWidth = 160;
constexpr int kGap = 8;
} // namespace

QColor scaleColor(double fraction) {
  const double at = std::clamp(fraction, 0.0, 1.0) * (kAnchors.size() - 1);
  const auto index = std::min(static_cast<size_t>(at), kAnchors.size() - 2);
  const double part = at - static_cast<double>(index);
  const auto mixed = [part](int from, int to) {
    return static_cast<int>(std::lround(from + part * (to - from)));
  };
  const QRgb from = kAnchors[index];
  const QRgb to = kAnchors[index + 1];
  return QColor(mixed(qRed(from), qRed(to)), mixed(qGreen(from), qGreen(to)), mixed(qBlue(from), qBlue(to)));
}

QColor textColorOn(const QColor& background) {
  // qGray weights the channels by the luma of ITU-R BT.601.
  return qGray(background.rgb()) > 127 ? Qt::black : Qt::white;
}

double logFraction(double value, double least, double greatest) {
  if (!(value > 0) || !(least > 0))
    return 0.0;
  return greatest > least ? std::clamp(std::log(value / least) / std::log(greatest / least), 0.0, 1.0) : 1.0;
}

ColorScale::ColorScale(QWidget* parent) : QWidget(parent) {
  setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
}

void ColorScale::setEnds(const QString& least, const QString& greatest) {
  m_least = least;
  m_greatest = greatest;
  setAccessibleName(tr("Colours from %1 to %2").arg(least, greatest));
  updateGeometry();
  update();
}

QSize ColorScale::sizeHint() const {
  const QFontMetrics metrics = fontMetrics();
  return {metrics.horizontalAdvance(m_least) + kBarWidth + metrics.horizontalAdvance(m_greatest) + 2 * kGap,
          metrics.height() + 4};
}

void ColorScale::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  const int left = fontMetrics().horizontalAdvance(m_least);
  painter.drawText(QRect(0, 0, left, height()), Qt::AlignVCenter | Qt::AlignRight, m_least);
  const QRect bar(left + kGap, 2, kBarWidth, height() - 4);
  QLinearGradient gradient(bar.topLeft(), bar.topRight());
  for (size_t i = 0; i < kAnchors.size(); ++i)
    gradient.setColorAt(static_cast<double>(i) / (kAnchors.size() - 1), QColor(kAnchors[i]));
  painter.fillRect(bar, gradient);
  painter.drawText(QRect(bar.right() + 1 + kGap, 0, width() - bar.right() - kGap, height()), Qt::AlignVCenter,
                   m_greatest);
}

} // namespace nibblesmith::ui
