// SPDX-License-Identifier: Apache-2.0
#include "runtime/kv_cache.hpp"

#include "base/error.hpp"
#include "runtime/packed_kv_rows.hpp"

#include <algorithm>
#include <limits>
#include <new>

namespace nibblesmith::runtime {

namespace {

using model::KvCacheScheme;

class FloatRows final : public KvRows {
public:
  FloatRows(int64_t capacity, int64_t columns, int64_t headDim) : m_rows(capacity, columns), m_view(m_rows, headDim) {}
  void write(int64_t position, const tensor::Matrix& rows) override {
    m_rows.middleRows(position, rows.rows()) = rows;
  }
  HeadRows head(int64_t head, int64_t count, std::vector<float>& scratch) const override {
    return m_view.head(head, count, scratch);
  }
  uint64_t bytes() const override { return static_cast<uint64_t>(m_rows.size()) * sizeof(float); }

private:
  tensor::Matrix m_rows;
  MatrixRows m_view;
};

} // namespace

std::unique_ptr<KvRows> makeKvRows(const KvCacheScheme& scheme, bool keys, int64_t heads, int64_t headDim,
                                   int64_t capacity, const std::string& name) {
  if (scheme.type == KvCacheScheme::Type::F32)
    return std::make_unique<FloatRows>(capacity, heads * headDim, headDim);
  if (scheme.type == KvCacheScheme::Type::F16)
    return std::make_unique<HalfRows>(capacity, heads, headDim, name);
  return std::make_unique<PackedRows>(scheme, keys, heads, headDim, capacity, name);
}

KvCache::KvCache(const model::ModelConfig& config, int64_t capacity) : m_scheme(config.kvCache), m_capacity(capacity) {
  const int64_t columns = config.numKeyValueHeads * config.headDim;
  const int64_t perPosition = 2 * config.numLayers * columns * static_cast<int64_t>(sizeof(float));
  if (capacity < 1 || capacity > std::numeric_limits<int64_t>::max() / std::max<int64_t>(1, perPosition))
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "cache capacity: expected a number of tokens, found " + std::to_string(capacity));
  const auto rows = [&](int64_t layer, bool keys) {
    return makeKvRows(m_scheme, keys, config.numKeyValueHeads, config.headDim, capacity,
                      "layer " + std::to_string(layer) + (keys ? ", keys" : ", values"));
  };
  try {
    for (int64_t layer = 0; layer < config.numLayers; ++layer) {
      m_keys.push_back(rows(layer, true));
      m_values.push_back(rows(layer, false));
    }
  } catch (const std::bad_alloc&) {
    throw base::Error(base::ErrorCode::OutOfMemory,
                      "key-value cache of " + std::to_string(capacity) + " tokens: no memory for " +
                          std::to_string(perPosition / 32 * m_scheme.bits() * capacity) + " bytes");
  }
}

uint64_t KvCache::bytes() const {
  uint64_t total = 0;
  for (const auto* layers : {&m_keys, &m_values})
    for (const auto& rows : *layers)
      total += rows->bytes();
  return total;
}

void KvCache::clear() {
  m_position = 0;
  for (auto* layers : {&m_keys, &m_values})
    for (const auto& rows : *layers)
      rows->clear();
}

int64_t KvCache::room() const {
  const bool waits = m_scheme.isPacked() && m_scheme.residual > 0;
  return waits ? m_scheme.residual - m_position % m_scheme.residual : m_capacity - m_position;
}

void KvCache::advance(int64_t tokens) {
  m_position += tokens;
  if (!m_scheme.isPacked() || m_scheme.residual == 0 || m_position % m_scheme.residual != 0)
    return;
  for (auto* layers : {&m_keys, &m_values})
    for (const auto& rows : *layers)
      rows->pack();
}

} // namespace nibblesmith::runtime
