// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"

#include <cstdint>
#include <string>

namespace nibblesmith::model {

/// Storage scheme of the KV cache. Int8 and Int4 are asymmetric: x = scale * code + minimum, with scale and
/// minimum in f16 per group. Source: Liu et al. 2024, "KIVI" (arXiv 2402.02750), sections 3.2 and 3.3.
struct KvCacheScheme {
  enum class Type { F32, F16, Int8, Int4 };
  /// Grouping of keys: neighbouring channels of one token, or one channel of consecutive tokens. Values are
  /// always grouped by token.
  enum class Keys { Token, Channel };

  Type type = Type::F16;
  Keys keys = Keys::Token;
  /// Number of values per group. Groups by token lie within one head; a head that groupSize does not divide
  /// is one group.
  int64_t groupSize = 32;
  /// Number of newest tokens kept in f16; when that many have accumulated, they are quantized together. 0:
  /// each token is quantized at once. A multiple of groupSize. Deviation: KIVI quantizes values one by one as
  /// they leave the window; here they are quantized together with their keys.
  int64_t residual = 0;

  /// Returns true if keys and values are quantized to integers.
  bool isPacked() const { return type == Type::Int8 || type == Type::Int4; }
  /// Bits per value, without scales and minima.
  int bits() const { return type == Type::F32 ? 32 : type == Type::F16 ? 16 : type == Type::Int8 ? 8 : 4; }
  bool operator==(const KvCacheScheme&) const = default;
};

/// Reads "int4", or { "use": "int4", "keys": "channel", "groupSize": 32, "residual": 128 }. Omitted fields
/// default to defaultKvCacheScheme(). Throws base::Error{InvalidArgument} with origin and field.
KvCacheScheme kvCacheSchemeFromJson(const base::Json& json, const std::string& origin);
/// Converts to the JSON form that kvCacheSchemeFromJson() reads.
base::Json toJson(const KvCacheScheme& scheme);

/// Returns the default scheme of a type: "f32"; "f16"; "int8": keys by token, no residual; "int4": KIVI's
/// scheme, keys by channel in groups of 32, residual of 128 tokens. Throws base::Error{InvalidArgument} with
/// origin, the known names and the name found.
KvCacheScheme defaultKvCacheScheme(const std::string& name, const std::string& origin);

/// Returns a short text: "f16", "int4, keys by channel, groups of 32, 128 tokens in f16".
std::string describe(const KvCacheScheme& scheme);

} // namespace nibblesmith::model
