// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/rounding.hpp"

#include <memory>

namespace nibblesmith::plugins {

/// What a folder under plugins/quantizers provides; free of Qt. The description comes from its method.json.
class Quantizer {
public:
  virtual ~Quantizer() = default;
  /// parameters: complete and checked against the method's description.
  virtual std::unique_ptr<quantization::Rounding> makeRounding(const base::Json& parameters) const = 0;
};

} // namespace nibblesmith::plugins
