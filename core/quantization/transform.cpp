// SPDX-License-Identifier: Apache-2.0
#include "quantization/transform.hpp"

namespace nibblesmith::quantization {

bool Transform::adjustWeights(const TransformProblem&, base::ThreadPool&, const std::stop_token&) const { return false; }

} // namespace nibblesmith::quantization
