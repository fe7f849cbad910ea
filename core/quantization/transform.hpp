// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/grid.hpp"
#include "tensor/activation_scheme.hpp"
#include "tensor/matrix.hpp"

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace nibblesmith::base {
class ThreadPool;
}
namespace nibblesmith::model {
class Model;
enum class LinearRole;
} // namespace nibblesmith::model

namespace nibblesmith::quantization {

/// The linears of one stage, which share their input, before they are rounded. The engine has seen that no
/// input is NaN or infinite.
struct TransformProblem {
  std::vector<std::string> names;       ///< canonical
  std::vector<const Grid*> grids;       ///< what each will be rounded onto
  std::vector<tensor::Matrix*> weights; ///< [outFeatures, inFeatures] each
  const tensor::Matrix& hessian;        ///< [inFeatures, inFeatures], 2/n X^T X over n calibration tokens
  const tensor::Vector& meanMagnitude;  ///< [inFeatures], mean |x| over the same tokens
  /// Per input channel, what its scale is folded into: a channel of the norm before, or an output row of the
  /// linear before. Channels of one source share one scale (a value head that several query heads read).
  std::vector<int64_t> sources;
  std::vector<model::LinearRole> roles = {};    ///< of each linear; the engine always gives them
  bool afterNorm = true;                        ///< the sources are a norm's channels
  const tensor::Vector* maxMagnitude = nullptr; ///< [inFeatures], largest |x|; the engine always gives it
  const tensor::Matrix* sample =
      nullptr; ///< [rows, inFeatures], some of the inputs; the engine always gives them
  /// How the inputs will be rounded, for the first of the linears that rounds them; static ones without their
  /// scale; null: not at all.
  const tensor::ActivationScheme* input = nullptr;
};

struct ChangedModel {
  std::shared_ptr<const model::Model> model;
  std::vector<std::string> notes; ///< in words, what a user should know
};

/// Changes weights before rounding so that rounding hurts less. Knows no grid's insides. Immutable, any
/// thread; no result depends on the number of threads. Calls throw base::Error{Numerical}, base::Cancelled.
class Transform {
public:
  virtual ~Transform() = default;
  /// Whether the stages' inputs are looked at; else changeModel() is all there is, and no calibration is
  /// needed.
  virtual bool needsHessian() const { return true; }
  /// The model that stands in the place of `model` before any block is taken up, and computes the same; by
  /// default `model` itself. Its weights may be computed when they are asked for. Throws
  /// base::Error{NotSupported}.
  virtual ChangedModel changeModel(std::shared_ptr<const model::Model> model) const;

  /// Work for a linear of this shape that will be rounded onto the grid, in multiply-adds that count alike in
  /// time.
  virtual double cost(int64_t outFeatures, int64_t inFeatures, const Grid& grid) const = 0;

  /// s [inFeatures], positive and finite: column i of the weights is multiplied by s_i and input channel i
  /// divided by it, which leaves the product as it was. Empty: no scaling. Not called where nothing before
  /// can take a scale.
  virtual tensor::Vector inputScales(const TransformProblem& problem, base::ThreadPool& pool,
                                     const std::stop_token& stop) const = 0;

  /// Changes the weights themselves, and so the product: a loss that the method takes on purpose (clipping).
  /// Called after the scaling, with its Hessian and magnitudes.
  virtual void adjustWeights(const TransformProblem& scaled, base::ThreadPool& pool,
                             const std::stop_token& stop) const;
};

} // namespace nibblesmith::quantization
