// SPDX-License-Identifier: Apache-2.0
#include "quantization/transform.hpp"

namespace nibblesmith::quantization {

void Transform::adjustWeights(const TransformProblem&, base::ThreadPool&, const std::stop_token&) const {}

} // namespace nibblesmith::quantization
