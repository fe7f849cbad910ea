// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/rounding.hpp"

namespace nibblesmith::rtn {

/// Round to nearest: each weight takes the code nearest to it; where a Hessian is at hand, its diagonal
/// weighs the errors when a grid searches its scales.
class RtnRounding final : public quantization::Rounding {
public:
  bool needsHessian() const override { return false; }
  quantization::RoundingResult round(const quantization::RoundingProblem& problem, base::ThreadPool& pool,
                                     const std::stop_token& stop) const override;
};

} // namespace nibblesmith::rtn
