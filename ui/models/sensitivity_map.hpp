// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "quantization/sensitivity.hpp"

#include <QAbstractTableModel>

#include <optional>
#include <utility>
#include <vector>

namespace nibblesmith::ui {

/// Map of the error of each layer at one bit width: one row per linear of a block, one column per block. The
/// colour shows the cost on a logarithmic scale between the layers' extremes, the text the chosen bits. GUI
/// thread.
class SensitivityMap : public QAbstractTableModel {
  Q_OBJECT

public:
  enum Roles { CostRole = Qt::UserRole + 10 }; ///< double; invalid if the layer was not measured

  explicit SensitivityMap(QObject* parent = nullptr) : QAbstractTableModel(parent) {}

  void setSensitivity(quantization::Sensitivity sensitivity);
  void clear();
  const quantization::Sensitivity& sensitivity() const { return m_sensitivity; }
  std::vector<int> widths() const;
  /// Selects which of widths() the colours show.
  void setShownBits(int bits);
  /// Sets the bits of each layer, in the order of the sensitivity's layers; none: nothing chosen.
  void setAllocation(std::optional<quantization::Allocation> allocation);

  /// Least and greatest positive cost of all layers at the shown width; both 0 if there is none.
  std::pair<double, double> costRange() const { return m_range; }

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
  /// Returns null if the layer was not measured.
  const quantization::LayerSensitivity* layer(const QModelIndex& index) const;
  std::optional<double> cost(const quantization::LayerSensitivity& layer) const;
  QString description(const QModelIndex& index) const;
  void updateRange();

  quantization::Sensitivity m_sensitivity;
  std::optional<quantization::Allocation> m_allocation;
  std::vector<std::string> m_linears;     ///< name of each row: "self_attn.q_proj"
  std::vector<std::vector<int>> m_layers; ///< [row][block]: index into the sensitivity's layers, or -1
  int m_bits = 0;
  std::pair<double, double> m_range;
};

} // namespace nibblesmith::ui
