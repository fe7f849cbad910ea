// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/matrix.hpp"
#include "tensor/tensor_view.hpp"

#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

namespace nibblesmith::base {
class ThreadPool;
}

/// Which of many texts differ most from each other, by k-means over points [count, dimensions]. Results do
/// not depend on the number of threads.
namespace nibblesmith::calibration {

/// The mean of the embeddings of each sequence's ids: [sequences, hiddenSize]. embedding: [vocabularySize,
/// hiddenSize]. Throws base::Error{Numerical} naming "embedding" where a value is not finite.
tensor::Matrix meanEmbeddings(const std::vector<std::vector<int32_t>>& sequences,
                              const tensor::TensorView& embedding, base::ThreadPool& pool,
                              const std::stop_token& stop);

/// k points to start from: the first at random, each next with a probability proportional to its squared
/// distance to the nearest one so far; fewer than k where there are fewer distinct points. Seeded
/// std::mt19937_64. Source: Arthur and Vassilvitskii 2007, "k-means++", section 2.2.
std::vector<int64_t> plusPlusSeeds(const tensor::Matrix& points, int64_t k, uint64_t seed,
                                   base::ThreadPool& pool, const std::stop_token& stop);

struct Clusters {
  tensor::Matrix centres;        ///< [k, dimensions]
  std::vector<int64_t> of;       ///< the nearest centre of each point, the first of equals
  std::vector<double> distances; ///< squared, of each point to its centre
};
/// Lloyd's iterations from the given centres until no point changes its cluster, 100 at most. A cluster that
/// loses all its points keeps its centre.
Clusters kMeans(const tensor::Matrix& points, tensor::Matrix centres, base::ThreadPool& pool,
                const std::stop_token& stop);

/// All points, the most different first: of each of k clusters the point nearest to its centre, in the
/// clusters' order, then of each the second nearest, and so on.
std::vector<int64_t> diverseOrder(const tensor::Matrix& points, int64_t k, uint64_t seed,
                                  base::ThreadPool& pool, const std::stop_token& stop);

} // namespace nibblesmith::calibration
