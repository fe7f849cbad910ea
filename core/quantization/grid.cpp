// SPDX-License-Identifier: Apache-2.0
#include "quantization/grid.hpp"

#include "base/error.hpp"
#include "base/join.hpp"
#include "quantization/affine_grid.hpp"
#include "quantization/book_grid.hpp"
#include "quantization/learned_grid.hpp"

#include <algorithm>
#include <iterator>

namespace nibblesmith::quantization {

namespace {

struct Entry {
  MethodDescription description;
  std::unique_ptr<Grid> (*make)(const base::Json& complete);
};

const std::vector<Entry>& entries() {
  const auto parse = [](std::string_view json) {
    return methodFromJson(base::parseJson(json, "grid"), "grid");
  };
  static const std::vector<Entry> all = {{parse(kAffineJson), makeAffineGrid},
                                         {parse(kNf4Json), makeNf4Grid},
                                         {fp4Description(parse(kNf4Json)), makeFp4Grid},
                                         {parse(kLogJson), makeLogGrid},
                                         {parse(kLearnedJson), makeLearnedGrid}};
  return all;
}

const Entry& entryOf(const std::string& use) {
  for (const Entry& entry : entries())
    if (entry.description.name == use)
      return entry;
  const auto nameOf = [](const Entry& entry) { return entry.description.name; };
  throw base::Error(base::ErrorCode::NotFound, "grid: expected one of " +
                                                   base::join(entries(), ", ", nameOf) + ", found \"" + use +
                                                   "\"");
}

} // namespace

void Grid::roundGroup(const float* weights, const GroupParameters& group, int64_t count, uint8_t* codes,
                      float* values) const {
  const auto n = static_cast<size_t>(count);
  const std::vector<float> scales(n, group.scale);
  const std::vector<float> zeroPoints(n, group.zeroPoint);
  const std::vector<const float*> books(n, group.book.data());
  roundMany(weights, {scales.data(), zeroPoints.data(), books.data()}, count, codes, values);
}

std::vector<MethodDescription> gridDescriptions() {
  std::vector<MethodDescription> descriptions;
  std::transform(entries().begin(), entries().end(), std::back_inserter(descriptions),
                 [](const Entry& entry) { return entry.description; });
  return descriptions;
}

const MethodDescription& gridDescription(const std::string& use) { return entryOf(use).description; }

double totalFitCost(const Grid& grid, int64_t outFeatures, int64_t inFeatures) {
  const int64_t size = grid.groupSize() == 0 ? inFeatures : std::min(grid.groupSize(), inFeatures);
  return static_cast<double>(outFeatures) * static_cast<double>(inFeatures) / static_cast<double>(size) *
         grid.fitCost(size);
}

std::unique_ptr<Grid> makeGrid(const std::string& use, const base::Json& parameters) {
  const Entry& entry = entryOf(use);
  return entry.make(completeParameters(entry.description, parameters));
}

} // namespace nibblesmith::quantization
