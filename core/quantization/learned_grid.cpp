// SPDX-License-Identifier: Apache-2.0
#include "quantization/learned_grid.hpp"

#include "tensor/half.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nibblesmith::quantization {

const std::string_view kLearnedJson = R"json({
  "schema": 1, "name": "learned", "kind": "grid", "label": "Learned code book",
  "help": "Code book of each group or channel, found by exact weighted k-means. With calibration, errors are weighted by the mean square of the inputs. Written as f16, because no public file format stores it.",
  "source": "Kim et al. 2023 (SqueezeLLM), arXiv 2306.07629, section 4.1",
  "parameters": [
    { "key": "bits", "type": "integer", "label": "Bits", "unit": "bit", "minimum": 2, "maximum": 4, "default": 3,
      "help": "Bits of one weight's code: a book of 4, 8 or 16 values." },
    { "key": "granularity", "type": "choice", "label": "Code books per", "choices": ["group", "channel"], "default": "channel",
      "help": "One code book for each group of weights, or one for each output channel." },
    { "key": "groupSize", "type": "integer", "label": "Group size", "unit": "weights", "minimum": 8, "maximum": 65536,
      "default": 128, "appliesWhen": { "granularity": "group" },
      "help": "Neighbouring input weights that share a code book, which takes 16 bits per value." }
  ]
})json";

namespace {

constexpr float kLargestHalf = 65504.0f;

/// Returns the index of the value nearest to w, the lower of two equally near ones.
inline uint8_t nearest(float w, const float* book, int count) {
  int code = 0;
  for (int k = 1; k < count; ++k)
    code += w > (book[k - 1] + book[k]) * 0.5f ? 1 : 0;
  return static_cast<uint8_t>(code);
}

} // namespace

GroupParameters LearnedGrid::fit(std::span<const float> weights, std::span<const float> importance) const {
  GroupParameters group;
  group.book = weightedKMeans(weights, importance, 1 << m_bits);
  for (float& value : group.book) {
    if (!(std::abs(value) <= kLargestHalf))
      group.scale = std::numeric_limits<float>::infinity();
    value = tensor::roundToF16(value);
  }
  // Fewer distinct weights than codes: repeat the last value.
  group.book.resize(size_t{1} << m_bits, group.book.back());
  return group;
}

double LearnedGrid::fitCost(int64_t count) const {
  // For each value of the book except the first, about log2(count) interval costs per weight, each in f64
  // with a division.
  const auto n = static_cast<double>(count);
  return 100.0 * static_cast<double>((1 << m_bits) - 1) * n * std::log2(n + 1.0);
}

uint8_t LearnedGrid::encode(float weight, const GroupParameters& group) const {
  return nearest(weight, group.book.data(), 1 << m_bits);
}

float LearnedGrid::decode(uint8_t code, const GroupParameters& group) const { return group.book[code]; }

void LearnedGrid::roundMany(const float* weights, const WeightParameters& parameters, int64_t count,
                            uint8_t* codes, float* values) const {
  for (int64_t i = 0; i < count; ++i) {
    const float* book = parameters.books[i];
    codes[i] = nearest(weights[i], book, 1 << m_bits);
    values[i] = book[codes[i]];
  }
}

std::unique_ptr<Grid> makeLearnedGrid(const base::Json& parameters) {
  return std::make_unique<LearnedGrid>(
      parameters["bits"].get<int>(),
      parameters["granularity"] == "channel" ? int64_t{0} : parameters["groupSize"].get<int64_t>());
}

} // namespace nibblesmith::quantization
