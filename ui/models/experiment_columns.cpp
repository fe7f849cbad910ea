// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/experiment_columns.hpp"

#include "ui/models/number_text.hpp"
#include "ui/session/text.hpp"

#include <QCoreApplication>

#include <algorithm>
#include <set>

namespace nibblesmith::ui {

namespace {

QString tr(const char* text) { return QCoreApplication::translate("ExperimentColumns", text); }

Column<ExperimentRow> textColumn(const char* key, const QString& title, const QString& help,
                                 std::string ExperimentRow::*member) {
  return {QString::fromLatin1(key),
          title,
          help,
          false,
          [member](const ExperimentRow& row) { return toQString(std::string_view(row.*member)); },
          {},
          {}};
}

/// Returns the values of the metric on all data sets, for the tooltip of a cell.
QString valuesText(const ExperimentRow& row, const std::string& name, double scale, int decimals) {
  QStringList lines;
  for (const auto& [key, value] : row.metrics)
    if (key == name)
      lines.prepend(tr("all: %1").arg(fixedText(value * scale, decimals)));
    else if (key.starts_with(name + "@"))
      lines << QStringLiteral("%1: %2").arg(toQString(std::string_view(key).substr(name.size() + 1)),
                                            fixedText(value * scale, decimals));
  return lines.join(QLatin1Char('\n'));
}

Column<ExperimentRow> metricColumn(const char* metric, const QString& title, const QString& help,
                                   int decimals, const QString& dataset = {}, double scale = 1) {
  const std::string name = metric;
  return {QString::fromLatin1(metric),
          title,
          help,
          true,
          [=](const ExperimentRow& row) {
            const auto value = metricOf(row, name, dataset);
            return fixedText(value ? std::optional(*value * scale) : std::nullopt, decimals);
          },
          [=](const ExperimentRow& row) {
            const auto value = metricOf(row, name, dataset);
            return value ? QVariant(*value) : QVariant();
          },
          [=](const ExperimentRow& row) { return valuesText(row, name, scale, decimals); }};
}

Column<ExperimentRow> perplexityColumn() {
  Column<ExperimentRow> column = metricColumn(
      "perplexity", tr("Perplexity"), tr("Of the evaluation text, ± one standard error: less is better"), 3);
  column.text = [](const ExperimentRow& row) {
    const auto value = metricOf(row, "perplexity");
    const auto error = metricOf(row, "perplexityError");
    if (!value || !error)
      return fixedText(value, 3);
    return QStringLiteral("%1 ± %2").arg(fixedText(value, 3), fixedText(error, 3));
  };
  return column;
}

Column<ExperimentRow> bytesColumn(const char* metric, const QString& title, const QString& help) {
  const std::string name = metric;
  return {QString::fromLatin1(metric),
          title,
          help,
          true,
          [name](const ExperimentRow& row) { return bytesText(metricOf(row, name)); },
          [name](const ExperimentRow& row) {
            const auto value = metricOf(row, name);
            return value ? QVariant(*value) : QVariant();
          },
          {}};
}

std::vector<Column<ExperimentRow>> identityColumns() {
  return {
      textColumn("model", tr("Model"), tr("The model before quantization"), &ExperimentRow::modelName),
      textColumn("artifact", tr("Artifact"), tr("The recipe's name, or the model as it is"),
                 &ExperimentRow::artifactName),
      textColumn("method", tr("Method"), tr("How weights were rounded"), &ExperimentRow::method),
      {QStringLiteral("bits"),
       tr("Bits"),
       tr("Bits per weight of the recipe's grid"),
       true,
       [](const ExperimentRow& row) { return QString::number(row.bits, 'g', 3); },
       [](const ExperimentRow& row) { return QVariant(row.bits); },
       {}},
      {QStringLiteral("size"),
       tr("Size"),
       tr("Bytes of the artifact, in binary units"),
       true,
       [](const ExperimentRow& row) { return bytesText(row.sizeBytes); },
       [](const ExperimentRow& row) { return QVariant(static_cast<qulonglong>(row.sizeBytes)); },
       {}},
      {QStringLiteral("device"),
       tr("Device"),
       tr("Where latency and memory were measured"),
       false,
       [](const ExperimentRow& row) {
         return row.device.empty() ? tr("this machine") : toQString(std::string_view(row.device));
       },
       {},
       {}},
  };
}

} // namespace

std::string methodLabels(const std::string& names,
                         const std::vector<quantization::MethodDescription>& methods) {
  const QString separator = QStringLiteral(" + ");
  QStringList labels;
  for (const QString& name : toQString(std::string_view(names)).split(separator)) {
    // The log stores short names in capitals.
    const auto method = std::find_if(methods.begin(), methods.end(), [&](const auto& candidate) {
      return toQString(std::string_view(candidate.name)).compare(name, Qt::CaseInsensitive) == 0;
    });
    labels << (method == methods.end() ? name : toQString(std::string_view(method->shortLabel)));
  }
  return labels.join(separator).toStdString();
}

std::optional<double> metricOf(const ExperimentRow& row, const std::string& name, const QString& dataset) {
  const auto found = row.metrics.find(dataset.isEmpty() ? name : name + "@" + dataset.toStdString());
  return found == row.metrics.end() ? std::nullopt : std::optional(found->second);
}

QStringList datasetsOf(const std::vector<ExperimentRow>& rows) {
  std::set<QString> sets;
  for (const ExperimentRow& row : rows)
    for (const auto& [key, value] : row.metrics)
      if (const size_t at = key.find('@'); at != std::string::npos)
        sets.insert(toQString(std::string_view(key).substr(at + 1)));
  return {sets.begin(), sets.end()};
}

std::vector<Column<ExperimentRow>> experimentColumns(const QString& dataset) {
  std::vector<Column<ExperimentRow>> columns = identityColumns();
  columns.push_back(perplexityColumn());
  const QString rougeHelp = tr("F1 against the references, 0 to 100: more is better");
  columns.push_back(metricColumn("rouge1", tr("ROUGE-1"), rougeHelp, 1, dataset, 100));
  columns.push_back(metricColumn("rouge2", tr("ROUGE-2"), rougeHelp, 1, dataset, 100));
  columns.push_back(metricColumn("rougeL", tr("ROUGE-L"), rougeHelp, 1, dataset, 100));
  columns.push_back(
      metricColumn("bleu", tr("BLEU"), tr("Of the whole set, 0 to 100: more is better"), 1, dataset));
  columns.push_back(
      metricColumn("promptTokensPerSecond", tr("Prompt t/s"), tr("Prompt tokens read per second"), 0));
  columns.push_back(metricColumn("tokensPerSecond", tr("Tokens/s"), tr("Tokens generated per second"), 1));
  columns.push_back(
      metricColumn("tokenMsP50", tr("p50 ms"), tr("Milliseconds per generated token, median"), 2));
  columns.push_back(
      metricColumn("tokenMsP90", tr("p90 ms"), tr("Milliseconds per generated token, 90th percentile"), 2));
  columns.push_back(
      bytesColumn("peakRssBytes", tr("Peak RSS"),
                  tr("Largest resident memory of the process, loading included, in binary units")));
  columns.push_back(bytesColumn("kvCacheBytes", tr("KV cache"),
                                tr("Keys and values of the benchmark's prompt and answer, in binary units")));
  columns.push_back(
      {QStringLiteral("date"),
       tr("Date"),
       tr("When the artifact was made, local time"),
       false,
       [](const ExperimentRow& row) { return localTimeText(row.createdAt); },
       [](const ExperimentRow& row) { return QVariant(toQString(std::string_view(row.createdAt))); },
       {}});
  return columns;
}

} // namespace nibblesmith::ui
