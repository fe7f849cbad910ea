// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"

#include <cstdint>
#include <string>

namespace nibblesmith::model {

/// How the keys and values of the tokens seen so far are kept. Int8 and Int4 are asymmetric: x = scale * code
/// + minimum, scale and minimum in f16, for groups of values. Source: Liu et al. 2024, "KIVI" (arXiv
/// 2402.02750), sections 3.2 and 3.3.
struct KvCacheScheme {
  enum class Type { F32, F16, Int8, Int4 };
  /// What a group of keys is: some channels of one token, or one channel of some tokens. Values go by token.
  enum class Keys { Token, Channel };

  Type type = Type::F16;
  Keys keys = Keys::Token;
  int64_t groupSize =
      32; ///< values of a group; by token: of one head, the whole head where it does not divide it
  /// The newest tokens, kept in f16 until there are so many, which are then packed together; 0: each is
  /// packed at once. A multiple of groupSize. (KIVI packs values one by one as they leave the window; here
  /// they go with their keys.)
  int64_t residual = 0;

  bool isPacked() const { return type == Type::Int8 || type == Type::Int4; }
  int bits() const { return type == Type::F32 ? 32 : type == Type::F16 ? 16 : type == Type::Int8 ? 8 : 4; }
  bool operator==(const KvCacheScheme&) const = default;
};

/// From "int4", or { "use": "int4", "keys": "channel", "groupSize": 32, "residual": 128 }. What is left out
/// is as in defaultKvCacheScheme(). Throws base::Error{InvalidArgument} naming origin and field.
KvCacheScheme kvCacheSchemeFromJson(const base::Json& json, const std::string& origin);
base::Json toJson(const KvCacheScheme& scheme);

/// "f32", "f16"; "int8": by token, at once; "int4": KIVI's keys by channel, in groups of 32, 128 tokens kept
/// in f16. Throws base::Error{InvalidArgument} naming origin, what there is and what was found.
KvCacheScheme defaultKvCacheScheme(const std::string& name, const std::string& origin);

/// "f16", "int4, keys by channel, groups of 32, 128 tokens in f16".
std::string describe(const KvCacheScheme& scheme);

} // namespace nibblesmith::model
