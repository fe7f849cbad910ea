// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/icons.hpp"

#include <QApplication>
#include <QIconEngine>
#include <QPainter>
#include <QPainterPath>
#include <QPalette>

#include <initializer_list>

namespace nibblesmith::ui {

namespace {

constexpr qreal kUnits = 24;
constexpr qreal kStroke = 1.7;

void line(QPainterPath& path, std::initializer_list<QPointF> points) {
  auto point = points.begin();
  path.moveTo(*point);
  for (++point; point != points.end(); ++point)
    path.lineTo(*point);
}

void box(QPainterPath& path, qreal x, qreal y, qreal w, qreal h) {
  path.addRoundedRect(x, y, w, h, 1.5, 1.5);
}

void drawPage(QPainterPath& path, Icon name) {
  switch (name) {
  case Icon::Models: // cube
    line(path, {{12, 3}, {20, 7.5}, {20, 16.5}, {12, 21}, {4, 16.5}, {4, 7.5}, {12, 3}});
    line(path, {{4, 7.5}, {12, 12}, {20, 7.5}});
    line(path, {{12, 12}, {12, 21}});
    break;
  case Icon::Recipe: // three sliders
    for (const auto& [y, knob] : {std::pair(6.0, 15.0), std::pair(12.0, 8.0), std::pair(18.0, 13.0)}) {
      line(path, {{4, y}, {knob - 2.2, y}});
      line(path, {{knob + 2.2, y}, {20, y}});
      path.addEllipse(QPointF(knob, y), 2.2, 2.2);
    }
    break;
  case Icon::Queue:
    box(path, 3.5, 4, 17, 4.5);
    line(path, {{4, 13}, {20, 13}});
    line(path, {{4, 17}, {20, 17}});
    line(path, {{4, 21}, {14, 21}});
    break;
  case Icon::Experiments: // axes and points
    line(path, {{4, 3.5}, {4, 20}, {20.5, 20}});
    for (const QPointF& at : {QPointF(8, 8), QPointF(12, 13), QPointF(17.5, 15.5)})
      path.addEllipse(at, 1.6, 1.6);
    break;
  case Icon::Devices: // chip
    box(path, 6.5, 6.5, 11, 11);
    box(path, 10, 10, 4, 4);
    for (const qreal at : {9.0, 12.0, 15.0}) {
      line(path, {{at, 3}, {at, 6.5}});
      line(path, {{at, 17.5}, {at, 21}});
      line(path, {{3, at}, {6.5, at}});
      line(path, {{17.5, at}, {21, at}});
    }
    break;
  default:
    break;
  }
}

void drawFileAction(QPainterPath& path, Icon name) {
  switch (name) {
  case Icon::Open:
    line(path, {{3.5, 19}, {3.5, 5.5}, {9, 5.5}, {11, 8}, {20, 8}, {20, 11}});
    line(path, {{3.5, 19}, {6.5, 11}, {22, 11}, {19, 19}, {3.5, 19}});
    break;
  case Icon::Save:
  case Icon::Export:
    line(path, {{12, name == Icon::Save ? 4.0 : 15.0}, {12, name == Icon::Save ? 15.0 : 4.0}});
    if (name == Icon::Save)
      line(path, {{8, 11}, {12, 15}, {16, 11}});
    else
      line(path, {{8, 8}, {12, 4}, {16, 8}});
    line(path, {{4, 15}, {4, 20}, {20, 20}, {20, 15}});
    break;
  case Icon::Deploy:
    line(path, {{3, 12}, {11, 12}});
    line(path, {{8, 9}, {11, 12}, {8, 15}});
    box(path, 13, 5, 8, 14);
    line(path, {{16, 16}, {18, 16}});
    break;
  case Icon::Filter:
    line(path, {{4, 5}, {20, 5}, {14, 12.5}, {14, 19}, {10, 17}, {10, 12.5}, {4, 5}});
    break;
  case Icon::Columns:
    box(path, 3.5, 4.5, 17, 15);
    line(path, {{9.2, 4.5}, {9.2, 19.5}});
    line(path, {{14.8, 4.5}, {14.8, 19.5}});
    break;
  default:
    break;
  }
}

void drawEditAction(QPainterPath& path, Icon name) {
  switch (name) {
  case Icon::Add:
    line(path, {{12, 5}, {12, 19}});
    line(path, {{5, 12}, {19, 12}});
    break;
  case Icon::Remove:
    line(path, {{5, 7}, {19, 7}});
    line(path, {{9, 7}, {9, 4}, {15, 4}, {15, 7}});
    line(path, {{7, 7}, {8, 20.5}, {16, 20.5}, {17, 7}});
    break;
  case Icon::Edit:
    line(path, {{4.5, 19.5}, {5.5, 15}, {16, 4.5}, {19.5, 8}, {9, 18.5}, {4.5, 19.5}});
    break;
  case Icon::Cancel:
    line(path, {{6, 6}, {18, 18}});
    line(path, {{18, 6}, {6, 18}});
    break;
  case Icon::Retry:
    path.arcMoveTo(5, 5, 14, 14, 60);
    path.arcTo(5, 5, 14, 14, 60, 300);
    line(path, {{19.5, 3.5}, {19.5, 8.5}, {14.5, 8.5}});
    break;
  case Icon::Back:
    line(path, {{9, 5}, {4.5, 9.5}, {9, 14}});
    path.moveTo(4.5, 9.5);
    path.lineTo(14, 9.5);
    path.arcTo(9, 9.5, 10, 10, 90, -180);
    path.lineTo(8, 19.5);
    break;
  case Icon::Up:
    line(path, {{12, 19}, {12, 5}});
    line(path, {{6, 11}, {12, 5}, {18, 11}});
    break;
  case Icon::Clear:
    line(path, {{4, 12.5}, {9, 17.5}, {20, 6}});
    break;
  case Icon::Play:
    line(path, {{7.5, 4.5}, {19, 12}, {7.5, 19.5}, {7.5, 4.5}});
    break;
  case Icon::Test:
    line(path, {{3, 12}, {8, 12}, {10.5, 5}, {14, 19}, {16.5, 12}, {21, 12}});
    break;
  case Icon::Evaluate:
    box(path, 4.5, 3.5, 15, 17);
    line(path, {{8, 9}, {9.3, 10.3}, {11.5, 7.5}});
    line(path, {{13.5, 9}, {16.5, 9}});
    line(path, {{8, 15}, {16.5, 15}});
    break;
  case Icon::Measure:
    path.addEllipse(QPointF(12, 13.5), 7.5, 7.5);
    line(path, {{12, 13.5}, {12, 9}});
    line(path, {{9.5, 3}, {14.5, 3}});
    break;
  default:
    break;
  }
}

void drawSign(QPainterPath& path, Icon name) {
  switch (name) {
  case Icon::Question:
    path.addEllipse(QPointF(12, 12), 9, 9);
    path.arcMoveTo(9, 6.5, 6, 6, 170);
    path.arcTo(9, 6.5, 6, 6, 170, -215);
    path.lineTo(12, 14);
    line(path, {{12, 17}, {12, 17.2}});
    break;
  case Icon::Problem:
    line(path, {{12, 3.5}, {21.5, 20}, {2.5, 20}, {12, 3.5}});
    line(path, {{12, 9.5}, {12, 14}});
    line(path, {{12, 17}, {12, 17.2}});
    break;
  default:
    break;
  }
}

QPainterPath drawing(Icon name) {
  QPainterPath path;
  drawPage(path, name);
  drawFileAction(path, name);
  drawEditAction(path, name);
  drawSign(path, name);
  return path;
}

/// Icon engine that draws in the current palette colour; a change of theme needs no new icons.
class LineIconEngine final : public QIconEngine {
public:
  explicit LineIconEngine(Icon name) : m_name(name) {}

  void paint(QPainter* painter, const QRect& rect, QIcon::Mode mode, QIcon::State) override {
    const QPalette palette = QApplication::palette();
    const QColor color = mode == QIcon::Disabled   ? palette.color(QPalette::Disabled, QPalette::ButtonText)
                         : mode == QIcon::Selected ? palette.color(QPalette::HighlightedText)
                                                   : palette.color(QPalette::ButtonText);
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    painter->translate(rect.topLeft());
    painter->scale(rect.width() / kUnits, rect.height() / kUnits);
    painter->setPen(QPen(color, kStroke, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
    painter->setBrush(Qt::NoBrush);
    painter->drawPath(drawing(m_name));
    painter->restore();
  }

  QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State state) override {
    QPixmap pixmap(size);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    paint(&painter, QRect(QPoint(), size), mode, state);
    return pixmap;
  }

  QIconEngine* clone() const override { return new LineIconEngine(m_name); }

private:
  Icon m_name;
};

} // namespace

QIcon icon(Icon name) { return QIcon(new LineIconEngine(name)); }

QIcon applicationIcon() {
  QIcon result;
  for (const int size : {16, 32, 48, 64, 128, 256}) {
    QPixmap pixmap(size, size);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.scale(size / 64.0, size / 64.0);
    painter.setPen(Qt::NoPen);
    painter.setBrush(QColor(0x1d, 0x2a, 0x3a));
    painter.drawRoundedRect(QRectF(2, 2, 60, 60), 12, 12);
    const qreal heights[] = {34, 16, 26, 10};
    const QRgb colors[] = {0xff56b4e9, 0xffe69f00, 0xff56b4e9, 0xffe69f00};
    for (int bar = 0; bar < 4; ++bar) {
      painter.setBrush(QColor(colors[bar]));
      painter.drawRoundedRect(QRectF(13 + bar * 10.5, 50 - heights[bar], 7, heights[bar]), 2, 2);
    }
    painter.end();
    result.addPixmap(pixmap);
  }
  return result;
}

} // namespace nibblesmith::ui
