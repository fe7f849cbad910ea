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

/// Linears of one stage, which share their input, before they are rounded. The engine has checked that all
/// inputs are finite.
struct TransformProblem {
  std::vector<std::string> names;       ///< canonical names
  std::vector<const Grid*> grids;       ///< grid that each will be rounded to
  std::vector<tensor::Matrix*> weights; ///< [outFeatures, inFeatures] each
  const tensor::Matrix& hessian;        ///< [inFeatures, inFeatures], 2/n X^T X over n calibration tokens
  const tensor::Vector& meanMagnitude;  ///< [inFeatures], mean |x| over the same tokens
  /// Source of each input channel's scale: the index of the channel of the preceding norm, or of the output
  /// row of the preceding linear. Channels with the same source share one scale (a value head that several
  /// query heads read).
  std::vector<int64_t> sources;
  std::vector<model::LinearRole> roles = {};    ///< role of each linear; always set by the engine
  bool afterNorm = true;                        ///< the preceding layer is a norm
  const tensor::Vector* maxMagnitude = nullptr; ///< [inFeatures], largest |x|; always set by the engine
  /// [rows, inFeatures], sample of the inputs; always set by the engine.
  const tensor::Matrix* sample = nullptr;
  /// Quantization of the input, from the first linear that has one; static schemes have no scale yet. Null:
  /// none.
  const tensor::ActivationScheme* input = nullptr;
};

/// Result of Transform::changeModel().
struct ChangedModel {
  std::shared_ptr<const model::Model> model;
  std::vector<std::string> notes; ///< notes for the user, as sentences
};

/// Method that changes weights before rounding to reduce the loss of accuracy. It uses grids only through
/// their interface. Immutable; safe for concurrent use. Results do not depend on the number of threads. Calls
/// throw base::Error{Numerical}, base::Cancelled.
class Transform {
public:
  virtual ~Transform() = default;
  /// Returns true if the transform uses the stages' inputs. Otherwise only changeModel() is called, and
  /// calibration is not needed.
  virtual bool needsHessian() const { return true; }
  /// Returns the model that replaces `model` before any block is processed and computes the same function; by
  /// default `model` itself. Its weights may be computed when requested. Throws base::Error{NotSupported}.
  virtual ChangedModel changeModel(std::shared_ptr<const model::Model> model) const;

  /// Returns the cost for a linear of this shape with this grid, in f32 multiply-add equivalents.
  virtual double cost(int64_t outFeatures, int64_t inFeatures, const Grid& grid) const = 0;

  /// Returns scales s [inFeatures], positive and finite: column i of the weights is multiplied by s_i and
  /// input channel i divided by it, which leaves the product unchanged. Empty: no scaling. Not called if the
  /// preceding layer cannot absorb scales.
  virtual tensor::Vector inputScales(const TransformProblem& problem, base::ThreadPool& pool,
                                     const std::stop_token& stop) const = 0;

  /// Changes the weights themselves, and so the product: a deliberate loss such as clipping. Called after
  /// scaling, with scaled Hessian and magnitudes.
  virtual void adjustWeights(const TransformProblem& scaled, base::ThreadPool& pool,
                             const std::stop_token& stop) const;
};

} // namespace nibblesmith::quantization
