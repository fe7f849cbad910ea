// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/charts/chart_export.hpp"

#include "base/error.hpp"
#include "ui/session/text.hpp"

#include <QChart>
#include <QGraphicsLayout>
#include <QGraphicsScene>
#include <QImage>
#include <QPainter>
#include <QSaveFile>
#ifdef NIB_HAS_SVG
#include <QSvgGenerator>
#endif

namespace nibblesmith::ui {

namespace {

void paintChart(QPainter& painter, ChartKind kind, const ChartRows& rows, const ChartStyle& style,
                const QString& dataset) {
  QGraphicsScene scene;
  QChart* chart = makeChart(kind, rows, style, dataset).release();
  chart->setAnimationOptions(QChart::NoAnimation);
  scene.addItem(chart);
  chart->resize(kExportSize);
  chart->layout()->activate(); // applies margins that labels may have changed
  const QRectF area(QPointF(), kExportSize);
  scene.setSceneRect(area);
  painter.setRenderHint(QPainter::Antialiasing);
  scene.render(&painter, area, area);
}

[[noreturn]] void throwIo(const std::filesystem::path& path, const QString& reason) {
  throw base::Error(base::ErrorCode::Io, "cannot write '" + path.string() + "': " + reason.toStdString());
}

void savePng(ChartKind kind, const ChartRows& rows, const ChartStyle& style, const QString& dataset,
             QSaveFile& file) {
  constexpr int kScale = 2;
  QImage image((kExportSize * kScale).toSize(), QImage::Format_RGB32);
  image.setDevicePixelRatio(kScale);
  image.fill(style.background);
  QPainter painter(&image);
  paintChart(painter, kind, rows, style, dataset);
  painter.end();
  image.save(&file, "PNG");
}

void saveSvg([[maybe_unused]] ChartKind kind, [[maybe_unused]] const ChartRows& rows,
             [[maybe_unused]] const ChartStyle& style, [[maybe_unused]] const QString& dataset,
             [[maybe_unused]] QSaveFile& file) {
#ifdef NIB_HAS_SVG
  QSvgGenerator svg;
  svg.setOutputDevice(&file);
  svg.setSize(kExportSize.toSize());
  svg.setViewBox(QRectF(QPointF(), kExportSize));
  svg.setTitle(chartTitle(kind));
  QPainter painter(&svg);
  paintChart(painter, kind, rows, style, dataset);
#else
  throw base::Error(base::ErrorCode::NotSupported, "this build cannot write SVG: it was made without Qt Svg");
#endif
}

} // namespace

bool canWriteSvg() {
#ifdef NIB_HAS_SVG
  return true;
#else
  return false;
#endif
}

void saveChart(ChartKind kind, const ChartRows& rows, const ChartStyle& style, const QString& dataset,
               const std::filesystem::path& path) {
  QSaveFile file(toQString(path));
  if (!file.open(QIODevice::WriteOnly))
    throwIo(path, file.errorString());
  if (path.extension() == ".svg")
    saveSvg(kind, rows, style, dataset, file);
  else
    savePng(kind, rows, style, dataset, file);
  if (!file.commit())
    throwIo(path, file.errorString());
}

std::vector<std::filesystem::path> renderCharts(const ChartRows& rows, const std::filesystem::path& directory,
                                                const ChartStyle& style, const QString& dataset) {
  std::error_code failure;
  std::filesystem::create_directories(directory, failure);
  if (failure)
    throwIo(directory, toQString(std::string_view(failure.message())));
  std::vector<std::filesystem::path> written;
  for (const ChartKind kind : kAllCharts) {
    if (!hasChartData(kind, rows, dataset))
      continue;
    for (const char* ending : {".png", ".svg"}) {
      if (std::string_view(ending) == ".svg" && !canWriteSvg())
        continue;
      written.push_back(directory / (chartFileName(kind).toStdString() + ending));
      saveChart(kind, rows, style, dataset, written.back());
    }
  }
  return written;
}

} // namespace nibblesmith::ui
