// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace nibblesmith::quantization {

/// One matrix [tokens, columns] per sequence, in memory or in a file. Different sequences may be used by
/// different threads at once.
template <class M>
class SequenceStore {
public:
  SequenceStore() = default;
  /// In memory.
  explicit SequenceStore(size_t sequences) : m_slots(sequences) {}
  /// In `file` from `offset` on; lengths: tokens of each sequence; mostColumns: of any matrix to come.
  SequenceStore(base::ScratchFile& file, uint64_t offset, const std::vector<int64_t>& lengths,
                int64_t mostColumns)
      : m_slots(lengths.size()), m_file(&file) {
    for (size_t s = 0; s < lengths.size(); ++s) {
      m_slots[s].offset = offset;
      offset += static_cast<uint64_t>(lengths[s] * mostColumns) * sizeof(typename M::Scalar);
    }
  }

  int64_t rows(size_t s) const { return m_slots[s].rows; }
  int64_t columns(size_t s) const { return m_slots[s].columns; }

  /// The matrix of sequence s to be looked at, through `buffer` where it lies in a file. Throws
  /// base::Error{Io}.
  const M& look(size_t s, M& buffer) const {
    if (!m_file)
      return m_slots[s].values;
    buffer.resize(m_slots[s].rows, m_slots[s].columns);
    m_file->read(m_slots[s].offset,
                 std::as_writable_bytes(std::span(buffer.data(), static_cast<size_t>(buffer.size()))));
    return buffer;
  }

  /// The matrix of sequence s to be changed; put() or giveBack() ends that.
  M take(size_t s) {
    if (!m_file)
      return std::move(m_slots[s].values);
    M values;
    look(s, values);
    return values;
  }
  /// What take() brought, unchanged.
  void giveBack(size_t s, M&& values) {
    if (!m_file)
      m_slots[s].values = std::move(values);
  }
  void put(size_t s, M&& values) {
    m_slots[s].rows = values.rows();
    m_slots[s].columns = values.cols();
    if (m_file)
      m_file->write(m_slots[s].offset,
                    std::as_bytes(std::span(values.data(), static_cast<size_t>(values.size()))));
    else
      m_slots[s].values = std::move(values);
  }

private:
  struct Slot {
    int64_t rows = 0;
    int64_t columns = 0;
    M values;            ///< in memory
    uint64_t offset = 0; ///< in the file
  };

  std::vector<Slot> m_slots;
  base::ScratchFile* m_file = nullptr;
};

} // namespace nibblesmith::quantization
