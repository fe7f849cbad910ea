// SPDX-License-Identifier: Apache-2.0
#include "tensor/code_books.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace nibblesmith::tensor {

namespace {

/// torch.linspace(0.1, 1, count) in f32: computed from both ends towards the middle, rounded once.
std::vector<float> boundaries(int count) {
  const auto step = static_cast<double>((1.0f - 0.1f) / static_cast<float>(count - 1));
  std::vector<float> values(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i)
    values[static_cast<size_t>(i)] = static_cast<float>(i < count / 2 ? static_cast<double>(0.1f) + step * i
                                                                      : 1.0 - step * (count - 1 - i));
  return values;
}

std::vector<float> makeDynamicMap() {
  constexpr int kExponents = 7;
  std::vector<float> map = {0.0f, 1.0f};
  for (int e = 0; e < kExponents; ++e) {
    const auto bounds = boundaries((1 << e) + 1);
    const auto decade = static_cast<float>(std::pow(10.0, e - (kExponents - 1)));
    for (size_t i = 0; i + 1 < bounds.size(); ++i) {
      const float value = decade * ((bounds[i] + bounds[i + 1]) / 2.0f);
      map.push_back(value);
      map.push_back(-value);
    }
  }
  std::sort(map.begin(), map.end());
  return map;
}

} // namespace

std::span<const float> nf4Book() {
  static constexpr std::array<float, 16> kBook = {-1.0f,
                                                  -0.6961928009986877f,
                                                  -0.5250730514526367f,
                                                  -0.39491748809814453f,
                                                  -0.28444138169288635f,
                                                  -0.18477343022823334f,
                                                  -0.09105003625154495f,
                                                  0.0f,
                                                  0.07958029955625534f,
                                                  0.16093020141124725f,
                                                  0.24611230194568634f,
                                                  0.33791524171829224f,
                                                  0.44070982933044434f,
                                                  0.5626170039176941f,
                                                  0.7229568362236023f,
                                                  1.0f};
  return kBook;
}

std::span<const float> fp4Book() {
  static constexpr std::array<float, 16> kBook = [] {
    constexpr float kTwelfths[] = {0.0f, 0.0625f, 8.0f, 12.0f, 4.0f, 6.0f, 2.0f, 3.0f};
    std::array<float, 16> book{};
    for (size_t i = 0; i < 8; ++i) {
      book[i] = kTwelfths[i] / 12.0f;
      book[i + 8] = i == 0 ? 0.0f : -book[i];
    }
    return book;
  }();
  return kBook;
}

std::vector<float> logBook(int bits, bool halfSteps) {
  const int half = 1 << (bits - 1);
  std::vector<float> book(static_cast<size_t>(2 * half));
  for (int m = 1; m < half; ++m) {
    const int steps = m - (half - 1);
    const float value = static_cast<float>(std::exp2(halfSteps ? steps / 2.0 : static_cast<double>(steps)));
    book[static_cast<size_t>(m)] = value;
    book[static_cast<size_t>(half + m)] = -value;
  }
  return book;
}

std::span<const float> dynamicMap() {
  static const std::vector<float> map = makeDynamicMap();
  return map;
}

bool fitsBitsandbytes(std::span<const float> book, int64_t groupSize, int64_t inFeatures) {
  constexpr int64_t kSizes[] = {32, 64, 128, 256, 512, 1024, 2048, 4096};
  return (std::ranges::equal(book, nf4Book()) || std::ranges::equal(book, fp4Book())) &&
         std::ranges::find(kSizes, groupSize) != std::end(kSizes) && inFeatures % groupSize == 0;
}

std::string codeBookName(std::span<const float> book) {
  const auto is = [book](std::span<const float> other) { return std::ranges::equal(book, other); };
  if (is(nf4Book()))
    return "NF4";
  if (is(fp4Book()))
    return "FP4";
  for (int bits = 3; bits <= 6; ++bits)
    for (const bool halfSteps : {false, true})
      if (is(logBook(bits, halfSteps)))
        return std::string(halfSteps ? "log sqrt(2) " : "log ") + std::to_string(bits) + "-bit";
  return {};
}

} // namespace nibblesmith::tensor
