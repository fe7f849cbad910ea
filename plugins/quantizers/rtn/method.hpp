// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/rounding.hpp"

namespace nibblesmith::rtn {

/// Rounding to nearest: each weight gets the nearest code. If there is a Hessian, its diagonal weights the
/// errors when the grid searches its scales.
class RtnRounding final : public quantization::Rounding {
public:
  bool needsHessian() const override { return false; }
  quantization::RoundingResult round(const quantization::RoundingProblem& problem, base::ThreadPool& pool,
                                     const std::stop_token& stop) const override;
};

} // namespace nibblesmith::rtn
