// SPDX-License-Identifier: Apache-2.0
#include "runtime/kernels/kernels.hpp"

namespace nibblesmith::runtime::kernels {
namespace {

/// Instruction set interface that kernels_impl.hpp needs, in plain C++: 16 lanes of f32; a block of 32
/// weights is two of them.
struct Simd {
  struct Floats {
    float v[16];
  };
  /// Number of products that dotTile() accumulates at once.
  static constexpr int kTile = 1;

  template <typename Function>
  static Floats map(Function f) {
    Floats result;
    for (int i = 0; i < 16; ++i)
      result.v[i] = f(i);
    return result;
  }
  static Floats load(const float* at) {
    return map([&](int i) { return at[i]; });
  }
  static void store(float* at, const Floats& a) { __builtin_memcpy(at, a.v, sizeof(a.v)); }
  static Floats broadcast(float a) {
    return map([&](int) { return a; });
  }
  static Floats add(const Floats& a, const Floats& b) {
    return map([&](int i) { return a.v[i] + b.v[i]; });
  }
  static Floats sub(const Floats& a, const Floats& b) {
    return map([&](int i) { return a.v[i] - b.v[i]; });
  }
  static Floats mul(const Floats& a, const Floats& b) {
    return map([&](int i) { return a.v[i] * b.v[i]; });
  }
  static Floats div(const Floats& a, const Floats& b) {
    return map([&](int i) { return a.v[i] / b.v[i]; });
  }
  /// a * b + c: rounded twice here, once by instruction sets with fused multiply-add.
  static Floats fma(const Floats& a, const Floats& b, const Floats& c) {
    return map([&](int i) { return a.v[i] * b.v[i] + c.v[i]; });
  }
  static Floats min(const Floats& a, const Floats& b) {
    return map([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
  }
  static Floats max(const Floats& a, const Floats& b) {
    return map([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
  }
  /// a * 2^n for integral n in [-126, 127].
  static Floats timesPowerOfTwo(const Floats& a, const Floats& n) {
    return map([&](int i) {
      const uint32_t bits = static_cast<uint32_t>(static_cast<int32_t>(n.v[i]) + 127) << 23;
      float power;
      __builtin_memcpy(&power, &bits, sizeof(power));
      return a.v[i] * power;
    });
  }
  /// Sum of all lanes: adds lanes i and i + 8, then i + 4, i + 2, i + 1. Every instruction set uses this
  /// order.
  static float sum(const Floats& a) {
    float lanes[16];
    __builtin_memcpy(lanes, a.v, sizeof(lanes));
    for (int width = 8; width >= 1; width /= 2)
      for (int i = 0; i < width; ++i)
        lanes[i] += lanes[i + width];
    return lanes[0];
  }
  static float maximum(const Floats& a) {
    float highest = a.v[0];
    for (int i = 1; i < 16; ++i)
      highest = a.v[i] > highest ? a.v[i] : highest;
    return highest;
  }

  static float f16(uint16_t half) {
    const uint32_t magnitude = half & 0x7FFFu;
    const uint32_t shifted = magnitude << 13;
    float value;
    __builtin_memcpy(&value, &shifted, sizeof(value));
    value *= 0x1p112f; // rebiases the exponent, exact for subnormals
    uint32_t bits;
    __builtin_memcpy(&bits, &value, sizeof(bits));
    if (magnitude >= 0x7C00u)
      bits = shifted | 0x7F800000u;
    bits |= static_cast<uint32_t>(half & 0x8000u) << 16;
    __builtin_memcpy(&value, &bits, sizeof(value));
    return value;
  }
  /// Rounds to the nearest f16, ties to even; overflow becomes infinity.
  static uint16_t toF16(float value) {
    uint32_t bits;
    __builtin_memcpy(&bits, &value, sizeof(bits));
    const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
    const uint32_t magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u)
      return static_cast<uint16_t>(sign | 0x7E00u);
    if (magnitude >= 0x477FF000u)
      return static_cast<uint16_t>(sign | 0x7C00u);
    if (magnitude < 0x38800000u) {
      // Below the smallest normal, adding 0.5 leaves multiples of 2^-24 in the mantissa.
      float positive;
      __builtin_memcpy(&positive, &magnitude, sizeof(positive));
      positive += 0.5f;
      __builtin_memcpy(&bits, &positive, sizeof(bits));
      return static_cast<uint16_t>(sign | (bits - 0x3F000000u));
    }
    const uint32_t rounded = magnitude + 0xFFFu + ((magnitude >> 13) & 1u);
    return static_cast<uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
  }
  static void storeF16(uint16_t* at, const Floats& a) {
    for (int i = 0; i < 16; ++i)
      at[i] = toF16(a.v[i]);
  }
  static float bf16(uint16_t value) {
    const uint32_t bits = static_cast<uint32_t>(value) << 16;
    float result;
    __builtin_memcpy(&result, &bits, sizeof(result));
    return result;
  }
  static uint16_t loadU16(const uint8_t* at) {
    uint16_t value;
    __builtin_memcpy(&value, at, sizeof(value));
    return value;
  }

  // Loads of 32 weights per stored type.
  static void loadF32(const uint8_t* at, Floats& lo, Floats& hi) {
    __builtin_memcpy(lo.v, at, sizeof(lo.v));
    __builtin_memcpy(hi.v, at + 64, sizeof(hi.v));
  }
  static void loadF16(const uint8_t* at, Floats& lo, Floats& hi) {
    lo = map([&](int i) { return f16(loadU16(at + 2 * i)); });
    hi = map([&](int i) { return f16(loadU16(at + 32 + 2 * i)); });
  }
  static void loadBF16(const uint8_t* at, Floats& lo, Floats& hi) {
    lo = map([&](int i) { return bf16(loadU16(at + 2 * i)); });
    hi = map([&](int i) { return bf16(loadU16(at + 32 + 2 * i)); });
  }
  static void loadI8(const uint8_t* at, Floats& lo, Floats& hi) {
    lo = map([&](int i) { return static_cast<float>(static_cast<int8_t>(at[i])); });
    hi = map([&](int i) { return static_cast<float>(static_cast<int8_t>(at[16 + i])); });
  }

  /// 32 codes, one per byte.
  struct Codes {
    uint8_t v[32];
  };
  template <typename Function>
  static Codes mapCodes(Function f) {
    Codes result;
    for (int i = 0; i < 32; ++i)
      result.v[i] = static_cast<uint8_t>(f(i));
    return result;
  }
  static Codes loadCodes(const uint8_t* at) {
    return mapCodes([&](int i) { return at[i]; });
  }
  /// Extracts the bits kMask from bit kFrom on in each byte and moves them to bit kTo.
  template <int kFrom, int kMask, int kTo = 0>
  static Codes field(const Codes& c) {
    return mapCodes([&](int i) { return (c.v[i] >> kFrom & kMask) << kTo; });
  }
  static Codes join(const Codes& a, const Codes& b) {
    return mapCodes([&](int i) { return a.v[i] | b.v[i]; });
  }
  /// Puts bit i of `bits` into bit 4 of byte i.
  static Codes fifthBits(uint32_t bits) {
    return mapCodes([&](int i) { return (bits >> i & 1u) << 4; });
  }
  /// Converts codes below 128 to f32 and subtracts kCentre.
  template <int kCentre>
  static void floats(const Codes& c, Floats& lo, Floats& hi) {
    lo = map([&](int i) { return static_cast<float>(c.v[i] - kCentre); });
    hi = map([&](int i) { return static_cast<float>(c.v[16 + i] - kCentre); });
  }
  /// Converts eight unsigned bytes and eight more to f32, lowest first.
  static Floats sixteen(uint64_t first, uint64_t second) {
    return map([&](int i) { return static_cast<float>((i < 8 ? first : second) >> (8 * (i % 8)) & 255u); });
  }
  /// Loads one f16 value: as a scalar, or broadcast to every lane.
  static float halfValue(const uint8_t* at) { return f16(loadU16(at)); }
  static Floats half(const uint8_t* at) { return broadcast(halfValue(at)); }
  /// Combines the first eight lanes of `a` with the last eight of `b`.
  static Floats eightOfEach(const Floats& a, const Floats& b) {
    return map([&](int i) { return i < 8 ? a.v[i] : b.v[i]; });
  }

  /// Adds bit plane kPlane of a block to the codes, shifted by `shift` bits.
  template <int kPlane>
  static void addPlane(const uint8_t* at, int shift, uint8_t* codes) {
    constexpr int kBytes = 4 * kPlane;
    for (int i = 0; i < 32; ++i) {
      const int field = (at[i % kBytes] >> (kPlane * (i / kBytes))) & ((1 << kPlane) - 1);
      codes[i] = static_cast<uint8_t>(codes[i] | (field << shift));
    }
  }

  static Codes plane4(const uint8_t* at) {
    Codes codes = {};
    addPlane<4>(at, 0, codes.v);
    return codes;
  }

  template <int kBits>
  static void unpackCodes(const uint8_t* at, uint8_t* codes) {
    if constexpr (kBits == 8) {
      __builtin_memcpy(codes, at, 32);
      return;
    }
    __builtin_memset(codes, 0, 32);
    if constexpr ((kBits & 4) != 0)
      addPlane<4>(at, 0, codes);
    if constexpr ((kBits & 2) != 0)
      addPlane<2>(at + 4 * (kBits & 4), kBits & 4, codes);
    if constexpr ((kBits & 1) != 0)
      addPlane<1>(at + 4 * (kBits & 6), kBits & 6, codes);
  }

  /// Affine grid of a group: weight = scale * code + offset.
  template <int kBits>
  struct Grid {
    float scale = 0;
    float offset = 0;
    void set(float s, float o) {
      scale = s;
      offset = o;
    }
    void load(const uint8_t* at, Floats& lo, Floats& hi) const {
      uint8_t codes[32];
      unpackCodes<kBits>(at, codes);
      lo = map([&](int i) { return scale * static_cast<float>(codes[i]) + offset; });
      hi = map([&](int i) { return scale * static_cast<float>(codes[16 + i]) + offset; });
    }
    /// Extracts the nibbles from bit kFrom on of 32 bytes.
    template <int kFrom>
    void loadNibbles(const uint8_t* at, Floats& lo, Floats& hi) const {
      lo = map([&](int i) { return scale * static_cast<float>(at[i] >> kFrom & 15) + offset; });
      hi = map([&](int i) { return scale * static_cast<float>(at[16 + i] >> kFrom & 15) + offset; });
    }
  };

  /// Lookup table of a group's weights by code.
  template <int kBits>
  struct Book {
    float values[kBits < 4 ? 16 : 1 << kBits] = {};
    void set(const float* table) { __builtin_memcpy(values, table, sizeof(values)); }
    void load(const uint8_t* at, Floats& lo, Floats& hi) const {
      uint8_t codes[32];
      unpackCodes<kBits>(at, codes);
      lo = map([&](int i) { return values[codes[i]]; });
      hi = map([&](int i) { return values[codes[16 + i]]; });
    }
  };

  /// Implements kernels_int8.hpp.
  struct Bytes {
    using Sums = int32_t;
    using Weights = const int8_t*;
    using Inputs = const int8_t*;
    static constexpr int64_t kStep = 16;
    static constexpr int32_t kInputOffset = 0;
    static constexpr int kRows = 1;
    static constexpr int kTokens = 1;

    static Sums zero() { return 0; }
    static Weights weights(const int8_t* at) { return at; }
    static Inputs inputs(const int8_t* at) { return at; }
    static Sums add(Sums sums, Weights w, Inputs x) {
      for (int i = 0; i < kStep; ++i)
        sums += w[i] * x[i];
      return sums;
    }
    static int32_t total(Sums sums) { return sums; }
  };
};

} // namespace
} // namespace nibblesmith::runtime::kernels

#include "runtime/kernels/kernels_impl.hpp"

namespace nibblesmith::runtime::kernels {
const Table kGeneric = makeTable("generic");
} // namespace nibblesmith::runtime::kernels
