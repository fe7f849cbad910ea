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

/// How a linear rounds its input x [tokens, inFeatures] before the product: x ≈ scale (q - zeroPoint) with
/// signed codes q of -2^(bits-1) .. 2^(bits-1) - 1, q = clamp(x / scale + zeroPoint) rounded half to even.
///
/// Scales: symmetric max|x| / ((2^bits - 1) / 2), zeroPoint 0; asymmetric (max - min) / (2^bits - 1) over the
/// range widened to hold 0. Found anew for every token or for all tokens of a call (dynamic), or fixed
/// (static). Source: vllm-project/compressed-tensors, quantization/utils/helpers.py, calculate_qparams; Xiao
/// et al. 2022 (arXiv 2211.10438), section 2, who divide by 2^(bits-1) - 1.
///
/// With an outlier threshold (LLM.int8, Dettmers et al. 2022, arXiv 2208.07339, section 3.2), values of at
/// least that magnitude go through unrounded and do not count for the scale, which is max|x| / 127.
/// Deviation: each token has its own outliers; the paper takes a feature of all tokens of a batch where one
/// of them reaches the threshold.
struct ActivationScheme {
  enum class Granularity { Token, Tensor };

  int bits = 8; ///< 2..8
  bool isDynamic = true;
  Granularity granularity = Granularity::Token; ///< static: Tensor
  bool symmetric = true;
  float scale = 1;            ///< static only; above 0, an f16 value
  int zeroPoint = 0;          ///< static and asymmetric only; a code
  float outlierThreshold = 0; ///< 0: none; dynamic, symmetric 8 bits per token only

  bool operator==(const ActivationScheme&) const = default;
  int lowestCode() const { return -(1 << (bits - 1)); }
  int highestCode() const { return (1 << (bits - 1)) - 1; }
  /// "8-bit per token dynamic", "8-bit per tensor static asymmetric", "8-bit per token, outliers from 6".
  std::string describe() const;
  /// Throws base::Error{Corrupt} naming `name`, field, expected and found where the fields do not fit
  /// together.
  void validate(const std::string& name) const;
};

/// Scale and zero point for values of minimum..maximum, with the scheme's bits and symmetry.
struct CodeRange {
  float scale = 1;
  int zeroPoint = 0;
};
CodeRange codeRangeFor(const ActivationScheme& scheme, float minimum, float maximum);
/// The static scheme of that range: its scale rounded to an f16 value, upwards where f16 is coarse.
ActivationScheme staticScheme(ActivationScheme scheme, float minimum, float maximum);

/// A value that is left unrounded.
struct Outlier {
  int32_t column = 0;
  float value = 0;
};

/// Rounded inputs as integers.
struct RoundedInput {
  std::vector<int8_t> codes; ///< [tokens, stride]; columns from `columns` on are 0
  int64_t stride = 0;
  std::vector<CodeRange> ranges;              ///< [tokens]
  std::vector<std::vector<Outlier>> outliers; ///< [tokens], or empty without a threshold; their codes are 0
};

/// x [tokens, columns], rows one after the other. Throws base::Error{Numerical} naming `name` and the
/// position of a NaN or infinite value, the first one. pool: spreads the tokens where they are many; the
/// result is the same.
RoundedInput roundInput(const ActivationScheme& scheme, const float* x, int64_t tokens, int64_t columns,
                        int64_t stride, const std::string& name, base::ThreadPool* pool = nullptr);
/// The same as values: scale (q - zeroPoint), and the outliers, into out [tokens, columns], which may be x
/// itself.
void roundInputValues(const ActivationScheme& scheme, const float* x, int64_t tokens, int64_t columns,
                      const std::string& name, float* out, base::ThreadPool* pool = nullptr);

/// For block files. Throws base::Error{Corrupt} naming `origin`.
base::Json toJson(const ActivationScheme& scheme);
ActivationScheme activationSchemeFromJson(const base::Json& json, const std::string& origin);

} // namespace nibblesmith::tensor
