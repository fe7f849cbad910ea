// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QColor>
#include <QWidget>

namespace nibblesmith::ui {

/// From 0, dark violet, to 1, yellow: even steps to the eye, also in grey and for colour-blind readers.
/// Interpolated between nine anchors of viridis (Smith and van der Walt 2015, CC0).
QColor scaleColor(double fraction);
/// Black or white, whichever is read better on it.
QColor textColorOn(const QColor& background);
/// Where the value lies between the two on a logarithmic scale, within 0 and 1; 0 for values that are not
/// above 0.
double logFraction(double value, double least, double greatest);

/// The scale as a bar, with what its ends mean. GUI thread.
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
