// SPDX-License-Identifier: Apache-2.0
#include "model/kv_cache_scheme.hpp"

namespace nibblesmith::model {

namespace {

using base::Json;
using Keys = KvCacheScheme::Keys;
using Type = KvCacheScheme::Type;

[[noreturn]] void refuse(const std::string& origin, const std::string& field, const std::string& expected,
                         const std::string& found) {
  throw base::Error(base::ErrorCode::InvalidArgument,
                    origin + ": '" + field + "': expected " + expected + ", found " + found);
}

const char* nameOf(Type type) {
  switch (type) {
  case Type::F32:
    return "f32";
  case Type::F16:
    return "f16";
  case Type::Int8:
    return "int8";
  case Type::Int4:
    return "int4";
  }
  return "";
}

void readParameters(const Json& json, const std::string& origin, KvCacheScheme& scheme) {
  if (const std::string keys = base::optional<std::string>(json, "keys", "", origin); !keys.empty()) {
    if (keys != "token" && keys != "channel")
      refuse(origin, "keys", "\"token\" or \"channel\"", "\"" + keys + "\"");
    scheme.keys = keys == "channel" ? Keys::Channel : Keys::Token;
  }
  scheme.groupSize = base::optional<int64_t>(json, "groupSize", scheme.groupSize, origin);
  scheme.residual = base::optional<int64_t>(json, "residual", scheme.residual, origin);
}

void check(const KvCacheScheme& scheme, const std::string& origin) {
  if (scheme.groupSize < 8 || scheme.groupSize > 256 || scheme.groupSize % 8 != 0)
    refuse(origin, "groupSize", "a multiple of 8 from 8 to 256", std::to_string(scheme.groupSize));
  if (scheme.residual < 0 || scheme.residual > 1024 || scheme.residual % scheme.groupSize != 0)
    refuse(origin, "residual",
           "a multiple of the group size " + std::to_string(scheme.groupSize) + " up to 1024",
           std::to_string(scheme.residual));
  if (scheme.keys == Keys::Channel && scheme.residual == 0)
    refuse(origin, "residual",
           "at least the group size, because keys by channel are grouped over that many tokens", "0");
}

} // namespace

KvCacheScheme defaultKvCacheScheme(const std::string& name, const std::string& origin) {
  for (const Type type : {Type::F32, Type::F16, Type::Int8})
    if (name == nameOf(type))
      return {type, Keys::Token, 32, 0};
  if (name == nameOf(Type::Int4))
    return {Type::Int4, Keys::Channel, 32, 128};
  refuse(origin, "use", "f32, f16, int8 or int4", "\"" + name + "\"");
}

KvCacheScheme kvCacheSchemeFromJson(const Json& json, const std::string& origin) {
  if (json.is_string())
    return defaultKvCacheScheme(json.get<std::string>(), origin);
  if (!json.is_object())
    throw base::Error(base::ErrorCode::InvalidArgument,
                      origin + ": expected a name or an object with \"use\", found " + base::briefJson(json));
  KvCacheScheme scheme = defaultKvCacheScheme(base::required<std::string>(json, "use", origin), origin);
  for (const auto& [key, value] : json.items())
    if (key != "use" && (!scheme.isPacked() || (key != "keys" && key != "groupSize" && key != "residual")))
      throw base::Error(base::ErrorCode::InvalidArgument,
                        origin + ": unknown field '" + key + "' of \"" + nameOf(scheme.type) + "\"");
  readParameters(json, origin, scheme);
  check(scheme, origin);
  return scheme;
}

Json toJson(const KvCacheScheme& scheme) {
  Json json = {{"use", nameOf(scheme.type)}};
  if (scheme.isPacked()) {
    json["keys"] = scheme.keys == Keys::Channel ? "channel" : "token";
    json["groupSize"] = scheme.groupSize;
    json["residual"] = scheme.residual;
  }
  return json;
}

std::string describe(const KvCacheScheme& scheme) {
  std::string text = nameOf(scheme.type);
  if (!scheme.isPacked())
    return text;
  text += std::string(", keys by ") + (scheme.keys == Keys::Channel ? "channel" : "token") + ", groups of " +
          std::to_string(scheme.groupSize);
  return scheme.residual > 0 ? text + ", " + std::to_string(scheme.residual) + " tokens in f16" : text;
}

} // namespace nibblesmith::model
