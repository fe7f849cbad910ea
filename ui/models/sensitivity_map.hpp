// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "quantization/sensitivity.hpp"

#include <QAbstractTableModel>

#include <optional>
#include <utility>
#include <vector>

namespace nibblesmith::ui {

/// What each layer loses at one width, as a map: a row for each linear of a block, a column for each block.
/// The colour tells the cost on a logarithmic scale between the layers' extremes, the text the bits that were
/// chosen. GUI thread.
class SensitivityMap : public QAbstractTableModel {
  Q_OBJECT

public:
  enum Roles { CostRole = Qt::UserRole + 10 }; ///< double; invalid where the layer was not measured

  explicit SensitivityMap(QObject* parent = nullptr) : QAbstractTableModel(parent) {}

  void setSensitivity(quantization::Sensitivity sensitivity);
  void clear();
  const quantization::Sensitivity& sensitivity() const { return m_sensitivity; }
  std::vector<int> widths() const;
  /// Which of widths() the colours show.
  void setShownBits(int bits);
  /// Bits by layer, as the sensitivity's; nothing: none chosen.
  void setAllocation(std::optional<quantization::Allocation> allocation);

  /// Least and greatest cost above 0 among all layers at the shown width; both 0 where there is none.
  std::pair<double, double> costRange() const { return m_range; }

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
  /// Null where the layer was not measured.
  const quantization::LayerSensitivity* layer(const QModelIndex& index) const;
  std::optional<double> cost(const quantization::LayerSensitivity& layer) const;
  QString description(const QModelIndex& index) const;
  void updateRange();

  quantization::Sensitivity m_sensitivity;
  std::optional<quantization::Allocation> m_allocation;
  std::vector<std::string> m_linears;     ///< by row: "self_attn.q_proj"
  std::vector<std::vector<int>> m_layers; ///< [row][block]: index into the sensitivity's layers; -1: none
  int m_bits = 0;
  std::pair<double, double> m_range;
};

} // namespace nibblesmith::ui
