// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/sensitivity_map.hpp"

#include "ui/charts/color_scale.hpp"
#include "ui/models/number_text.hpp"
#include "ui/models/tool_tip_text.hpp"
#include "ui/session/text.hpp"

#include <QColor>
#include <QStringList>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace nibblesmith::ui {

namespace {

constexpr qsizetype kLinearBytes = 40; ///< maximum length of a row's name

struct Place {
  int block = 0;
  std::string linear;
};

/// Splits a layer name: "model.layers.12.mlp.up_proj" gives 12 and "mlp.up_proj". Returns block 0 and the
/// whole name if there is no number in it.
Place placeOf(const std::string& name) {
  for (size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
    const char* const first = name.data() + dot + 1;
    int block = 0;
    const auto [rest, failure] = std::from_chars(first, name.data() + name.size(), block);
    if (failure == std::errc() && rest > first && *rest == '.' && block >= 0)
      return {block, std::string(rest + 1)};
  }
  return {0, name};
}

} // namespace

void SensitivityMap::setSensitivity(quantization::Sensitivity sensitivity) {
  beginResetModel();
  m_sensitivity = std::move(sensitivity);
  m_allocation.reset();
  m_linears.clear();
  m_layers.clear();
  std::vector<Place> places;
  int blocks = 0;
  for (const auto& layer : m_sensitivity.layers) {
    places.push_back(placeOf(layer.name));
    if (std::find(m_linears.begin(), m_linears.end(), places.back().linear) == m_linears.end())
      m_linears.push_back(places.back().linear);
    // Clamps unrealistic block numbers, which would make the map unreadably large.
    places.back().block = std::min(places.back().block, static_cast<int>(m_sensitivity.layers.size()));
    blocks = std::max(blocks, places.back().block + 1);
  }
  m_layers.assign(m_linears.size(), std::vector<int>(static_cast<size_t>(blocks), -1));
  for (size_t l = 0; l < places.size(); ++l) {
    const auto row = std::find(m_linears.begin(), m_linears.end(), places[l].linear) - m_linears.begin();
    m_layers[static_cast<size_t>(row)][static_cast<size_t>(places[l].block)] = static_cast<int>(l);
  }
  const std::vector<int> known = widths();
  if (std::find(known.begin(), known.end(), m_bits) == known.end())
    m_bits = known.empty() ? 0 : known.front();
  updateRange();
  endResetModel();
}

void SensitivityMap::clear() { setSensitivity({}); }

std::vector<int> SensitivityMap::widths() const {
  std::vector<int> widths;
  if (!m_sensitivity.layers.empty())
    for (const auto& width : m_sensitivity.layers.front().widths)
      widths.push_back(width.bits);
  return widths;
}

void SensitivityMap::setShownBits(int bits) {
  m_bits = bits;
  updateRange();
  if (rowCount() > 0)
    emit dataChanged(index(0, 0), index(rowCount() - 1, columnCount() - 1));
}

void SensitivityMap::setAllocation(std::optional<quantization::Allocation> allocation) {
  m_allocation = std::move(allocation);
  if (rowCount() > 0)
    emit dataChanged(index(0, 0), index(rowCount() - 1, columnCount() - 1));
}

void SensitivityMap::updateRange() {
  m_range = {0, 0};
  for (const auto& layer : m_sensitivity.layers)
    if (const double value = cost(layer).value_or(0); value > 0) {
      m_range.first = m_range.first > 0 ? std::min(m_range.first, value) : value;
      m_range.second = std::max(m_range.second, value);
    }
}

int SensitivityMap::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_linears.size());
}

int SensitivityMap::columnCount(const QModelIndex& parent) const {
  return parent.isValid() || m_layers.empty() ? 0 : static_cast<int>(m_layers.front().size());
}

const quantization::LayerSensitivity* SensitivityMap::layer(const QModelIndex& index) const {
  const int l = m_layers[static_cast<size_t>(index.row())][static_cast<size_t>(index.column())];
  return l < 0 ? nullptr : &m_sensitivity.layers[static_cast<size_t>(l)];
}

std::optional<double> SensitivityMap::cost(const quantization::LayerSensitivity& layer) const {
  for (const auto& width : layer.widths)
    if (width.bits == m_bits)
      return quantization::costOf(m_sensitivity, width);
  return std::nullopt;
}

QVariant SensitivityMap::data(const QModelIndex& index, int role) const {
  if (!index.isValid())
    return {};
  const quantization::LayerSensitivity* measured = layer(index);
  if (role == Qt::ToolTipRole || role == Qt::AccessibleTextRole) {
    const QString text = measured ? description(index) : tr("Stays as it is stored");
    return role == Qt::ToolTipRole ? toolTipText(text) : messageText(text);
  }
  if (!measured)
    return {};
  const std::optional<double> value = cost(*measured);
  switch (role) {
  case Qt::DisplayRole:
    return m_allocation
               ? QVariant(m_allocation->bits[static_cast<size_t>(measured - m_sensitivity.layers.data())])
               : QVariant();
  case Qt::TextAlignmentRole:
    return Qt::AlignCenter;
  case CostRole:
    return value ? QVariant(*value) : QVariant();
  case Qt::BackgroundRole:
  case Qt::ForegroundRole: {
    if (!value)
      return {};
    const QColor color = scaleColor(logFraction(*value, m_range.first, m_range.second));
    return role == Qt::BackgroundRole ? color : textColorOn(color);
  }
  default:
    return {};
  }
}

QString SensitivityMap::description(const QModelIndex& index) const {
  const quantization::LayerSensitivity& measured = *layer(index);
  const bool isDivergence = m_sensitivity.measure == quantization::SensitivityMeasure::Divergence;
  QStringList lines = {toQString(std::string_view(measured.name)),
                       tr("%1 weights").arg(wholeText(static_cast<uint64_t>(measured.weights)))};
  for (const auto& width : measured.widths) {
    const QString error = tr("output error %1 %").arg(fixedText(100 * width.relativeOutputError, 2));
    lines
        << (isDivergence
                ? tr("%1 bits: divergence %2 nat, %3").arg(width.bits).arg(shortText(width.divergence), error)
                : tr("%1 bits: %2").arg(width.bits).arg(error));
  }
  if (m_allocation)
    lines << tr("Chosen: %1 bits").arg(data(index, Qt::DisplayRole).toInt());
  return lines.join(QLatin1Char('\n'));
}

QVariant SensitivityMap::headerData(int section, Qt::Orientation orientation, int role) const {
  if (role == Qt::DisplayRole && orientation == Qt::Horizontal)
    return section;
  if (orientation == Qt::Vertical && section >= 0 && section < rowCount() &&
      (role == Qt::DisplayRole || role == Qt::ToolTipRole)) {
    QString name = toQString(std::string_view(m_linears[static_cast<size_t>(section)]));
    if (role == Qt::ToolTipRole)
      return toolTipText(name);
    name = foreignText(name.section(QLatin1Char('.'), -1), kLinearBytes);
    return name.endsWith(QStringLiteral("_proj")) ? name.chopped(5) : name;
  }
  return {};
}

} // namespace nibblesmith::ui
