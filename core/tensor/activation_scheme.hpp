// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "tensor/matrix.hpp"

#include <string>
#include <vector>

namespace nibblesmith::base {
class ThreadPool;
}

namespace nibblesmith::tensor {

/// Quantization of a linear layer's input x [tokens, inFeatures] before the product: x ≈ scale (q -
/// zeroPoint), with signed codes q in -2^(bits-1) .. 2^(bits-1) - 1 and q = clamp(roundHalfToEven(x / scale +
/// zeroPoint)).
///
/// Symmetric schemes use scale = max|x| / ((2^bits - 1) / 2) and zeroPoint = 0. Asymmetric schemes use scale
/// = (max - min) / (2^bits - 1) over the range extended to contain 0. Dynamic schemes compute the scale at
/// run time, per token or per call; static schemes store it. Source: vllm-project/compressed-tensors,
/// quantization/utils/helpers.py, calculate_qparams. Deviation: Xiao et al. 2022 (arXiv 2211.10438), section
/// 2, divide by 2^(bits-1) - 1.
///
/// An outlier threshold (LLM.int8, Dettmers et al. 2022, arXiv 2208.07339, section 3.2) leaves values of at
/// least that magnitude unquantized and excludes them from the scale, which is then max|x| / 127. Deviation:
/// outliers are chosen per token; the paper treats a feature as an outlier for every token of the batch if
/// one token reaches the threshold.
struct ActivationScheme {
  enum class Granularity { Token, Tensor };

  int bits = 8; ///< 2..8
  bool isDynamic = true;
  Granularity granularity = Granularity::Token; ///< static schemes: always Tensor
  bool symmetric = true;
  float scale = 1;   ///< static schemes only; positive, exactly representable in f16
  int zeroPoint = 0; ///< static asymmetric schemes only; in the range of the codes
  /// 0: no outliers; otherwise the scheme is dynamic, per token, symmetric, 8-bit.
  float outlierThreshold = 0;

  bool operator==(const ActivationScheme&) const = default;
  /// Smallest code: -2^(bits-1).
  int lowestCode() const { return -(1 << (bits - 1)); }
  /// Largest code: 2^(bits-1) - 1.
  int highestCode() const { return (1 << (bits - 1)) - 1; }
  /// Returns a short text: "8-bit per token dynamic", "8-bit per tensor static asymmetric", "8-bit per token,
  /// outliers from 6".
  std::string describe() const;
  /// Throws base::Error{Corrupt} with `name`, the field, and the expected and found values if the fields
  /// contradict each other.
  void validate(const std::string& name) const;
};

/// Scale and zero point of one quantization range.
struct CodeRange {
  float scale = 1;
  int zeroPoint = 0;
};
/// Computes scale and zero point for values in minimum..maximum, with the bits and symmetry of `scheme`.
CodeRange codeRangeFor(const ActivationScheme& scheme, float minimum, float maximum);
/// Returns `scheme` with the static scale and zero point for minimum..maximum. The scale is rounded to f16,
/// and rounded up where f16 is too coarse, so that the range stays covered.
ActivationScheme staticScheme(ActivationScheme scheme, float minimum, float maximum);

/// Input value kept in f32 instead of being quantized.
struct Outlier {
  int32_t column = 0;
  float value = 0;
};

/// Quantized inputs of a linear layer, as integer codes.
struct RoundedInput {
  std::vector<int8_t> codes; ///< [tokens, stride]; columns from `inFeatures` on are 0
  int64_t stride = 0;
  std::vector<CodeRange> ranges; ///< [tokens]
  /// [tokens], or empty without a threshold; the code of an outlier is 0.
  std::vector<std::vector<Outlier>> outliers;
};

/// Quantizes x [tokens, columns], dense row-major, to codes. The result does not depend on `pool`, which only
/// parallelizes over tokens (null: one thread). Throws base::Error{Numerical} with `name` and the position of
/// the first NaN or infinite value.
RoundedInput roundInput(const ActivationScheme& scheme, const float* x, int64_t tokens, int64_t columns,
                        int64_t stride, const std::string& name, base::ThreadPool* pool = nullptr);
/// Quantizes and dequantizes x [tokens, columns] into out [tokens, columns], which may be x itself: scale (q
/// - zeroPoint), with outliers copied unchanged. Throws like roundInput().
void roundInputValues(const ActivationScheme& scheme, const float* x, int64_t tokens, int64_t columns,
                      const std::string& name, float* out, base::ThreadPool* pool = nullptr);

/// Converts to and from the JSON form used in block files. Reading throws base::Error{Corrupt} with `origin`
/// and the field.
base::Json toJson(const ActivationScheme& scheme);
ActivationScheme activationSchemeFromJson(const base::Json& json, const std::string& origin);

} // namespace nibblesmith::tensor
