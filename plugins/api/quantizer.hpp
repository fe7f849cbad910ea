// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/rounding.hpp"

#include <memory>

namespace nibblesmith::plugins {

/// Quantization method of a plugin; free of Qt. Its description is the method.json, whose "kind" determines
/// which of the two functions the host calls. parameters: complete and checked against the description.
class Quantizer {
public:
  virtual ~Quantizer() = default;
  /// Creates the method if its "kind" is "rounding"; null otherwise.
  virtual std::unique_ptr<quantization::Rounding> makeRounding(const base::Json&) const { return nullptr; }
  /// Creates the method if its "kind" is "transform"; null otherwise.
  virtual std::unique_ptr<quantization::Transform> makeTransform(const base::Json&) const { return nullptr; }
};

} // namespace nibblesmith::plugins
