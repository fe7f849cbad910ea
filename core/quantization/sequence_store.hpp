// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace nibblesmith::quantization {

/// One matrix [tokens, columns] per sequence, in memory or in a file. Safe for concurrent use on different
/// sequences.
template <class M>
class SequenceStore {
public:
  SequenceStore() = default;
  /// Stores the matrices in memory.
  explicit SequenceStore(size_t sequences) : m_slots(sequences) {}
  /// Stores the matrices in `file` from `offset` on. lengths: tokens per sequence; maxColumns: largest number
  /// of columns of any matrix.
  SequenceStore(base::ScratchFile& file, uint64_t offset, const std::vector<int64_t>& lengths,
                int64_t maxColumns)
      : m_slots(lengths.size()), m_file(&file) {
    for (size_t s = 0; s < lengths.size(); ++s) {
      m_slots[s].offset = offset;
      offset += static_cast<uint64_t>(lengths[s] * maxColumns) * sizeof(typename M::Scalar);
    }
  }

  int64_t rows(size_t s) const { return m_slots[s].rows; }
  int64_t columns(size_t s) const { return m_slots[s].columns; }

  /// Returns the matrix of sequence s for reading; `buffer` holds it if it is in a file. Throws
  /// base::Error{Io}.
  const M& read(size_t s, M& buffer) const {
    if (!m_file)
      return m_slots[s].values;
    buffer.resize(m_slots[s].rows, m_slots[s].columns);
    m_file->read(m_slots[s].offset,
                 std::as_writable_bytes(std::span(buffer.data(), static_cast<size_t>(buffer.size()))));
    return buffer;
  }

  /// Moves the matrix of sequence s out for modification. put() or restore() must follow.
  M take(size_t s) {
    if (!m_file)
      return std::move(m_slots[s].values);
    M values;
    read(s, values);
    return values;
  }
  /// Puts back an unchanged matrix from take().
  void restore(size_t s, M&& values) {
    if (!m_file)
      m_slots[s].values = std::move(values);
  }
  /// Stores a new matrix for sequence s.
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
    M values;            ///< used in memory
    uint64_t offset = 0; ///< used in a file
  };

  std::vector<Slot> m_slots;
  base::ScratchFile* m_file = nullptr;
};

} // namespace nibblesmith::quantization
