// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/rounding.hpp"

#include <memory>

namespace nibblesmith::plugins {

/// What a folder under plugins/quantizers provides; free of Qt. The description comes from its method.json,
/// and its "kind" says which of the two calls is made. parameters: complete and checked against the
/// description.
class Quantizer {
public:
  virtual ~Quantizer() = default;
  virtual std::unique_ptr<quantization::Rounding> makeRounding(const base::Json&) const { return nullptr; }
  virtual std::unique_ptr<quantization::Transform> makeTransform(const base::Json&) const { return nullptr; }
};

} // namespace nibblesmith::plugins
