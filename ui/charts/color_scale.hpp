// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QColor>
#include <QWidget>

namespace nibblesmith::ui {

/// Returns the colour for a fraction from 0, dark violet, to 1, yellow. The scale is perceptually uniform,
/// also in grey and for colour-blind readers. Interpolates between nine anchors of viridis (Smith and van der
/// Walt 2015, CC0).
QColor scaleColor(double fraction);
/// Returns black or white, whichever has more contrast with the background.
QColor textColorOn(const QColor& background);
/// Returns the position of the value between `least` and `greatest` on a logarithmic scale, clamped to 0..1;
/// 0 for values that are not positive.
double logFraction(double value, double least, double greatest);

/// Colour bar with labels at its ends. GUI thread.
class ColorScale : public QWidget {
  Q_OBJECT

public:
  explicit ColorScale(QWidget* parent = nullptr);
  void setEnds(const QString& least, const QString& greatest);
  QSize sizeHint() const override;

protected:
  void paintEvent(QPaintEvent* event) override;

private:
  QString m_least;
  QString m_greatest;
};

} // namespace nibblesmith::ui
