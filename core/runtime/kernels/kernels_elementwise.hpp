// SPDX-License-Identifier: Apache-2.0
#pragma once

// Included by kernels_impl.hpp: element-wise operations on activations.

namespace nibblesmith::runtime::kernels {
namespace {

using Floats = Simd::Floats;

/// Remaining elements of a row, padded to 16.
struct Padded {
  float values[16];
  Padded(const float* from, int64_t count, float fill) {
    for (int64_t i = 0; i < 16; ++i)
      values[i] = i < count ? from[i] : fill;
  }
};

void weightedRows(const float* weights, const float* rows, int64_t stride, int64_t count, int64_t n,
                  float* out) {
  int64_t i = 0;
  for (; i + 64 <= n; i += 64) {
    Floats sums[4];
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k)
      sums[k] = Simd::broadcast(0.0f);
    for (int64_t j = 0; j < count; ++j) {
      const Floats w = Simd::broadcast(weights[j]);
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k)
        sums[k] = Simd::fma(w, Simd::load(rows + j * stride + i + 16 * k), sums[k]);
    }
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k)
      Simd::store(out + i + 16 * k, sums[k]);
  }
  for (; i < n; i += 16) {
    const int64_t width = n - i < 16 ? n - i : 16;
    Floats sum = Simd::broadcast(0.0f);
    for (int64_t j = 0; j < count; ++j) {
      const float* row = rows + j * stride + i;
      const Floats w = Simd::broadcast(weights[j]);
      sum = Simd::fma(w, width == 16 ? Simd::load(row) : Simd::load(Padded(row, width, 0).values), sum);
    }
    float padded[16];
    Simd::store(padded, sum);
    __builtin_memcpy(out + i, padded, static_cast<unsigned long>(width) * sizeof(float));
  }
}

/// e^x for x in [-87, 88]: 2^n e^r with r in [-ln2/2, ln2/2]; e^r by its series up to r^7 (error below
/// f32's).
Floats exponential(Floats x) {
  const Floats shift = Simd::broadcast(12582912.0f); // 1.5 * 2^23: adding it rounds to an integer
  const Floats n = Simd::sub(Simd::fma(x, Simd::broadcast(1.44269504f), shift), shift);
  Floats r = Simd::fma(n, Simd::broadcast(-0.693359375f), x); // ln 2 in two parts
  r = Simd::fma(n, Simd::broadcast(2.12194440e-4f), r);
  Floats sum = Simd::broadcast(1.0f / 5040);
  constexpr float kSeries[] = {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f};
  for (const float coefficient : kSeries)
    sum = Simd::fma(sum, r, Simd::broadcast(coefficient));
  return Simd::timesPowerOfTwo(sum, n);
}

Floats clamp(Floats x, float low, float high) {
  return Simd::min(Simd::max(x, Simd::broadcast(low)), Simd::broadcast(high));
}

void softmax(float* values, int64_t count, float scale) {
  if (count <= 0)
    return;
  const Floats s = Simd::broadcast(scale);
  const int64_t whole = count / 16 * 16;
  const Padded rest(values + whole, count - whole, values[0]);
  Floats highest = Simd::mul(Simd::load(rest.values), s);
  for (int64_t i = 0; i < whole; i += 16)
    highest = Simd::max(highest, Simd::mul(Simd::load(values + i), s));
  const Floats maximum = Simd::broadcast(Simd::maximum(highest));
  const auto term = [&](const float* at) {
    return exponential(clamp(Simd::sub(Simd::mul(Simd::load(at), s), maximum), -87.0f, 0.0f));
  };
  Floats sums = Simd::broadcast(0.0f);
  for (int64_t i = 0; i < whole; i += 16) {
    const Floats e = term(values + i);
    Simd::store(values + i, e);
    sums = Simd::add(sums, e);
  }
  float padded[16];
  Simd::store(padded, term(rest.values));
  for (int64_t i = count - whole; i < 16; ++i)
    padded[i] = 0;
  sums = Simd::add(sums, Simd::load(padded));
  const Floats inverse = Simd::broadcast(1.0f / Simd::sum(sums));
  for (int64_t i = 0; i < whole; i += 16)
    Simd::store(values + i, Simd::mul(Simd::load(values + i), inverse));
  Simd::store(padded, Simd::mul(Simd::load(padded), inverse));
  __builtin_memcpy(values + whole, padded, static_cast<unsigned long>(count - whole) * sizeof(float));
}

void rmsNorm(const float* x, const float* weight, float epsilon, int64_t n, float* out) {
  Floats squares = Simd::broadcast(0.0f);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const Floats v = Simd::load(x + i);
    squares = Simd::fma(v, v, squares);
  }
  const Floats rest = Simd::load(Padded(x + i, n - i, 0).values);
  squares = Simd::fma(rest, rest, squares);
  const float mean = Simd::sum(squares) / static_cast<float>(n);
  const float scale = 1.0f / __builtin_sqrtf(mean + epsilon);
  for (i = 0; i < n; ++i)
    out[i] = weight[i] * (x[i] * scale);
}

/// x / (1 + e^-y).
Floats logistic(Floats x, Floats y) {
  const Floats e = exponential(clamp(Simd::sub(Simd::broadcast(0.0f), y), -87.0f, 88.0f));
  return Simd::div(x, Simd::add(Simd::broadcast(1.0f), e));
}

Floats silu(Floats x) { return logistic(x, x); }

/// 0.5 x (1 + tanh(u)) = x / (1 + e^-2u), u = sqrt(2/pi) (x + 0.044715 x^3).
Floats geluTanh(Floats x) {
  const Floats square = Simd::mul(x, x);
  const Floats twice =
      Simd::fma(square, Simd::broadcast(2 * 0.7978845608f * 0.044715f), Simd::broadcast(2 * 0.7978845608f));
  return logistic(x, Simd::mul(x, twice));
}

/// x Phi(x) = max(x, 0) - |x| Phi(-|x|), with Phi(-z sqrt(2)) = erfc(z) / 2 = p(t) e^(-z^2) / 2 and t = 1 /
/// (1 + 0.3275911 z). Absolute error at most 1.5e-7 / 2. Source: Abramowitz and Stegun 1964, Handbook of
/// Mathematical Functions, 7.1.26.
Floats gelu(Floats x) {
  const Floats zero = Simd::broadcast(0.0f), one = Simd::broadcast(1.0f);
  const Floats magnitude = Simd::max(x, Simd::sub(zero, x));
  const Floats z = Simd::mul(magnitude, Simd::broadcast(0.70710678f));
  const Floats t = Simd::div(one, Simd::fma(z, Simd::broadcast(0.3275911f), one));
  Floats sum = Simd::broadcast(1.061405429f);
  constexpr float kSeries[] = {-1.453152027f, 1.421413741f, -0.284496736f, 0.254829592f};
  for (const float coefficient : kSeries)
    sum = Simd::fma(sum, t, Simd::broadcast(coefficient));
  const Floats e = exponential(clamp(Simd::sub(zero, Simd::mul(z, z)), -87.0f, 0.0f));
  const Floats tail = Simd::mul(Simd::mul(Simd::mul(sum, t), e), Simd::broadcast(0.5f));
  return Simd::sub(Simd::max(x, zero), Simd::mul(magnitude, tail));
}

template <Floats (*kCurve)(Floats)>
void activate(const float* gate, const float* up, int64_t n, float* out) {
  const auto sixteen = [](const float* g, const float* u) {
    const Floats y = kCurve(Simd::load(g));
    return u ? Simd::mul(y, Simd::load(u)) : y;
  };
  int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    Simd::store(out + i, sixteen(gate + i, up ? up + i : nullptr));
  if (i < n) {
    const Padded rest(up ? up + i : gate + i, n - i, 0);
    float padded[16];
    Simd::store(padded, sixteen(Padded(gate + i, n - i, 0).values, up ? rest.values : nullptr));
    __builtin_memcpy(out + i, padded, static_cast<unsigned long>(n - i) * sizeof(float));
  }
}

void rotateHalves(float* x, const float* cosines, const float* sines, int64_t half) {
  float* __restrict first = x;
  float* __restrict second = x + half;
  for (int64_t i = 0; i < half; ++i) {
    const float a = first[i];
    const float b = second[i];
    first[i] = a * cosines[i] - b * sines[i];
    second[i] = b * cosines[i] + a * sines[i];
  }
}

} // namespace
} // namespace nibblesmith::runtime::kernels
