// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QProxyStyle>

namespace nibblesmith::ui {

/// Fusion with more room inside buttons, fields, headers and cells. GUI thread.
class Style : public QProxyStyle {
  Q_OBJECT

public:
  Style();
  int pixelMetric(PixelMetric metric, const QStyleOption* option = nullptr,
                  const QWidget* widget = nullptr) const override;
  QSize sizeFromContents(ContentsType type, const QStyleOption* option, const QSize& size,
                         const QWidget* widget) const override;
};

} // namespace nibblesmith::ui
