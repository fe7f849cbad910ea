// SPDX-License-Identifier: Apache-2.0
// NEON is part of every 64-bit Arm CPU.
#include "runtime/kernels/kernels.hpp"

#include <arm_neon.h>

namespace nibblesmith::runtime::kernels {
namespace {

struct Simd {
  struct Floats {
    float32x4_t v[4];
  };
  static constexpr int kTile = 2;

  static Floats load(const float* at) {
    return {{vld1q_f32(at), vld1q_f32(at + 4), vld1q_f32(at + 8), vld1q_f32(at + 12)}};
  }
  static void store(float* at, const Floats& x) {
    for (int i = 0; i < 4; ++i)
      vst1q_f32(at + 4 * i, x.v[i]);
  }
  static Floats broadcast(float x) {
    const float32x4_t all = vdupq_n_f32(x);
    return {{all, all, all, all}};
  }
  template <typename Function>
  static Floats map(Function f) {
    return {{f(0), f(1), f(2), f(3)}};
  }
  static Floats add(const Floats& x, const Floats& y) {
    return map([&](int i) { return vaddq_f32(x.v[i], y.v[i]); });
  }
  static Floats sub(const Floats& x, const Floats& y) {
    return map([&](int i) { return vsubq_f32(x.v[i], y.v[i]); });
  }
  static Floats mul(const Floats& x, const Floats& y) {
    return map([&](int i) { return vmulq_f32(x.v[i], y.v[i]); });
  }
  static Floats div(const Floats& x, const Floats& y) {
    return map([&](int i) { return vdivq_f32(x.v[i], y.v[i]); });
  }
  static Floats min(const Floats& x, const Floats& y) {
    return map([&](int i) { return vminq_f32(x.v[i], y.v[i]); });
  }
  static Floats max(const Floats& x, const Floats& y) {
    return map([&](int i) { return vmaxq_f32(x.v[i], y.v[i]); });
  }
  static Floats fma(const Floats& x, const Floats& y, const Floats& z) {
    return map([&](int i) { return vfmaq_f32(z.v[i], x.v[i], y.v[i]); });
  }
  static Floats timesPowerOfTwo(const Floats& x, const Floats& n) {
    return map([&](int i) {
      const int32x4_t exponent = vaddq_s32(vcvtq_s32_f32(n.v[i]), vdupq_n_s32(127));
      return vmulq_f32(x.v[i], vreinterpretq_f32_s32(vshlq_n_s32(exponent, 23)));
    });
  }
  static float sum(const Floats& x) {
    const float32x4_t four = vaddq_f32(vaddq_f32(x.v[0], x.v[2]), vaddq_f32(x.v[1], x.v[3]));
    const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
  }
  static float maximum(const Floats& x) {
    return vmaxvq_f32(vmaxq_f32(vmaxq_f32(x.v[0], x.v[2]), vmaxq_f32(x.v[1], x.v[3])));
  }

  static void loadF32(const uint8_t* at, Floats& lo, Floats& hi) {
    lo = map([&](int i) { return vreinterpretq_f32_u8(vld1q_u8(at + 16 * i)); });
    hi = map([&](int i) { return vreinterpretq_f32_u8(vld1q_u8(at + 64 + 16 * i)); });
  }
  static float32x4_t f16x4(const uint8_t* at) { return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(at))); }
  static void loadF16(const uint8_t* at, Floats& lo, Floats& hi) {
    lo = map([&](int i) { return f16x4(at + 8 * i); });
    hi = map([&](int i) { return f16x4(at + 32 + 8 * i); });
  }
  static void storeF16(uint16_t* at, const Floats& x) {
    for (int i = 0; i < 4; ++i)
      vst1_u16(at + 4 * i, vreinterpret_u16_f16(vcvt_f16_f32(x.v[i])));
  }
  static float32x4_t bf16x4(const uint8_t* at) {
    return vreinterpretq_f32_u32(vshll_n_u16(vreinterpret_u16_u8(vld1_u8(at)), 16));
  }
  static void loadBF16(const uint8_t* at, Floats& lo, Floats& hi) {
    lo = map([&](int i) { return bf16x4(at + 8 * i); });
    hi = map([&](int i) { return bf16x4(at + 32 + 8 * i); });
  }
  static Floats fromI8(int8x16_t bytes) {
    const int16x8_t first = vmovl_s8(vget_low_s8(bytes));
    const int16x8_t second = vmovl_s8(vget_high_s8(bytes));
    return {{vcvtq_f32_s32(vmovl_s16(vget_low_s16(first))), vcvtq_f32_s32(vmovl_s16(vget_high_s16(first))),
             vcvtq_f32_s32(vmovl_s16(vget_low_s16(second))),
             vcvtq_f32_s32(vmovl_s16(vget_high_s16(second)))}};
  }
  static void loadI8(const uint8_t* at, Floats& lo, Floats& hi) {
    lo = fromI8(vreinterpretq_s8_u8(vld1q_u8(at)));
    hi = fromI8(vreinterpretq_s8_u8(vld1q_u8(at + 16)));
  }
  static Floats fromU8(uint8x16_t bytes) {
    const uint16x8_t first = vmovl_u8(vget_low_u8(bytes));
    const uint16x8_t second = vmovl_u8(vget_high_u8(bytes));
    return {{vcvtq_f32_u32(vmovl_u16(vget_low_u16(first))), vcvtq_f32_u32(vmovl_u16(vget_high_u16(first))),
             vcvtq_f32_u32(vmovl_u16(vget_low_u16(second))),
             vcvtq_f32_u32(vmovl_u16(vget_high_u16(second)))}};
  }

  /// Codes of a block: columns 0..15 and 16..31.
  struct Codes {
    uint8x16_t lo;
    uint8x16_t hi;
  };
  template <typename Function>
  static Codes mapCodes(Function f, const Codes& a) {
    return {f(a.lo), f(a.hi)};
  }
  static Codes loadCodes(const uint8_t* at) { return {vld1q_u8(at), vld1q_u8(at + 16)}; }
  template <int kFrom, int kMask, int kTo = 0>
  static Codes field(const Codes& c) {
    return mapCodes(
        [](uint8x16_t bytes) {
          if constexpr (kFrom > kTo)
            bytes = vshrq_n_u8(bytes, kFrom - kTo);
          if constexpr (kFrom < kTo)
            bytes = vshlq_n_u8(bytes, kTo - kFrom);
          return vandq_u8(bytes, vdupq_n_u8(static_cast<uint8_t>(kMask << kTo)));
        },
        c);
  }
  static Codes join(const Codes& a, const Codes& b) { return {vorrq_u8(a.lo, b.lo), vorrq_u8(a.hi, b.hi)}; }
  static Codes fifthBits(uint32_t bits) {
    const uint8x16_t own = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u));
    const auto sixteenBits = [&](uint32_t two) {
      const uint8x16_t bytes =
          vcombine_u8(vdup_n_u8(static_cast<uint8_t>(two)), vdup_n_u8(static_cast<uint8_t>(two >> 8)));
      return vandq_u8(vtstq_u8(bytes, own), vdupq_n_u8(16));
    };
    return {sixteenBits(bits), sixteenBits(bits >> 16)};
  }
  template <int kCentre>
  static void floats(const Codes& c, Floats& lo, Floats& hi) {
    const int8x16_t centre = vdupq_n_s8(kCentre);
    lo = fromI8(vsubq_s8(vreinterpretq_s8_u8(c.lo), centre));
    hi = fromI8(vsubq_s8(vreinterpretq_s8_u8(c.hi), centre));
  }
  static Floats sixteen(uint64_t first, uint64_t second) {
    return fromU8(vcombine_u8(vcreate_u8(first), vcreate_u8(second)));
  }
  static float halfValue(const uint8_t* at) {
    uint16_t bits;
    __builtin_memcpy(&bits, at, sizeof(bits));
    return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(bits))), 0);
  }
  static Floats half(const uint8_t* at) { return broadcast(halfValue(at)); }
  static Floats eightOfEach(const Floats& a, const Floats& b) { return {{a.v[0], a.v[1], b.v[2], b.v[3]}}; }

  static Codes plane4(const uint8_t* at) {
    const uint8x16_t pairs = vld1q_u8(at);
    return {vandq_u8(pairs, vdupq_n_u8(15)), vshrq_n_u8(pairs, 4)};
  }
  static Codes plane2(const uint8_t* at) {
    const uint8x16_t copies = vcombine_u8(vld1_u8(at), vld1_u8(at));
    const int8x16_t down = vcombine_s8(vdup_n_s8(0), vdup_n_s8(-2)); // negative shifts go to the right
    const uint8x16_t mask = vdupq_n_u8(3);
    return {vandq_u8(vshlq_u8(copies, down), mask),
            vandq_u8(vshlq_u8(copies, vsubq_s8(down, vdupq_n_s8(4))), mask)};
  }
  static Codes plane1(const uint8_t* at) {
    uint32_t bytes;
    __builtin_memcpy(&bytes, at, sizeof(bytes));
    const uint8x16_t copies = vreinterpretq_u8_u32(vdupq_n_u32(bytes));
    alignas(16) static const int8_t kDown[16] = {0, 0, 0, 0, -1, -1, -1, -1, -2, -2, -2, -2, -3, -3, -3, -3};
    const int8x16_t down = vld1q_s8(kDown);
    const uint8x16_t mask = vdupq_n_u8(1);
    return {vandq_u8(vshlq_u8(copies, down), mask),
            vandq_u8(vshlq_u8(copies, vsubq_s8(down, vdupq_n_s8(4))), mask)};
  }
  static Codes combine(Codes a, Codes b, int up) {
    const int8x16_t shift = vdupq_n_s8(static_cast<int8_t>(up));
    return {vorrq_u8(a.lo, vshlq_u8(b.lo, shift)), vorrq_u8(a.hi, vshlq_u8(b.hi, shift))};
  }
  template <int kBits>
  static Codes codes(const uint8_t* at) {
    if constexpr (kBits == 8)
      return {vld1q_u8(at), vld1q_u8(at + 16)};
    Codes all = {vdupq_n_u8(0), vdupq_n_u8(0)};
    if constexpr ((kBits & 4) != 0)
      all = plane4(at);
    if constexpr ((kBits & 2) != 0)
      all = combine(all, plane2(at + 4 * (kBits & 4)), kBits & 4);
    if constexpr ((kBits & 1) != 0)
      all = combine(all, plane1(at + 4 * (kBits & 6)), kBits & 6);
    return all;
  }

  template <int kBits>
  struct Grid {
    float scale = 0;
    float offset = 0;
    void set(float s, float o) {
      scale = s;
      offset = o;
    }
    void load(const uint8_t* at, Floats& lo, Floats& hi) const {
      const Codes all = codes<kBits>(at);
      lo = fma(fromU8(all.lo), broadcast(scale), broadcast(offset));
      hi = fma(fromU8(all.hi), broadcast(scale), broadcast(offset));
    }
    template <int kFrom>
    void loadNibbles(const uint8_t* at, Floats& lo, Floats& hi) const {
      const Codes all = field<kFrom, 15>(loadCodes(at));
      lo = fma(fromU8(all.lo), broadcast(scale), broadcast(offset));
      hi = fma(fromU8(all.hi), broadcast(scale), broadcast(offset));
    }
  };

  /// Lookup table of a group's weights by code.
  template <int kBits>
  struct Book {
    float values[kBits < 4 ? 16 : 1 << kBits] = {};
    void set(const float* table) { __builtin_memcpy(values, table, sizeof(values)); }
    Floats sixteen(uint8x16_t bytes) const {
      uint8_t index[16];
      float weights[16];
      vst1q_u8(index, bytes);
      for (int i = 0; i < 16; ++i)
        weights[i] = values[index[i]];
      return Simd::load(weights);
    }
    void load(const uint8_t* at, Floats& lo, Floats& hi) const {
      const Codes all = codes<kBits>(at);
      lo = sixteen(all.lo);
      hi = sixteen(all.hi);
    }
  };

  /// Implements kernels_int8.hpp. Each product fits in 16 bits; sums are 32-bit.
  struct Bytes {
    using Sums = int32x4_t;
    using Weights = int8x16_t;
    using Inputs = int8x16_t;
    static constexpr int64_t kStep = 16;
    static constexpr int32_t kInputOffset = 0;
    static constexpr int kRows = 4;
    static constexpr int kTokens = 4;

    static Sums zero() { return vdupq_n_s32(0); }
    static Weights weights(const int8_t* at) { return vld1q_s8(at); }
    static Inputs inputs(const int8_t* at) { return vld1q_s8(at); }
    static Sums add(Sums sums, Weights w, Inputs x) {
      const Sums low = vpadalq_s16(sums, vmull_s8(vget_low_s8(w), vget_low_s8(x)));
      return vpadalq_s16(low, vmull_high_s8(w, x));
    }
    static int32_t total(Sums sums) { return vaddvq_s32(sums); }
  };
};

} // namespace
} // namespace nibblesmith::runtime::kernels

#include "runtime/kernels/kernels_impl.hpp"

namespace nibblesmith::runtime::kernels {
const Table kNeon = makeTable("NEON");
} // namespace nibblesmith::runtime::kernels
