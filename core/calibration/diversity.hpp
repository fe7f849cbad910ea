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

/// Selection of diverse texts by k-means over points [count, dimensions]. Results do not depend on the number
/// of threads.
namespace nibblesmith::calibration {

/// Returns the mean token embedding of each sequence: [sequences, hiddenSize]. embedding: [vocabularySize,
/// hiddenSize]. Throws base::Error{Numerical} with "embedding" if a value is not finite.
tensor::Matrix meanEmbeddings(const std::vector<std::vector<int32_t>>& sequences,
                              const tensor::TensorView& embedding, base::ThreadPool& pool,
                              const std::stop_token& stop);

/// Chooses k initial centres and returns their indices: the first at random, each next with a probability
/// proportional to its squared distance from the nearest one so far. Returns fewer if there are fewer than k
/// distinct points. Seeded std::mt19937_64. Source: Arthur and Vassilvitskii 2007, "k-means++", section 2.2.
std::vector<int64_t> plusPlusSeeds(const tensor::Matrix& points, int64_t k, uint64_t seed,
                                   base::ThreadPool& pool, const std::stop_token& stop);

/// Result of kMeans().
struct Clusters {
  tensor::Matrix centres;          ///< [k, dimensions]
  std::vector<int64_t> assignment; ///< index of each point's nearest centre; the first one wins a tie
  std::vector<double> distances;   ///< squared distance of each point to its centre
};
/// Runs Lloyd's iterations from the given centres until no assignment changes, at most 100 times. A cluster
/// that loses all its points keeps its centre.
Clusters kMeans(const tensor::Matrix& points, tensor::Matrix centres, base::ThreadPool& pool,
                const std::stop_token& stop);

/// Returns the indices of all points, most diverse first: from each of k clusters the point nearest to its
/// centre, in cluster order, then the second nearest of each, and so on.
std::vector<int64_t> diverseOrder(const tensor::Matrix& points, int64_t k, uint64_t seed,
                                  base::ThreadPool& pool, const std::stop_token& stop);

} // namespace nibblesmith::calibration
