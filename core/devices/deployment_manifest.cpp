// SPDX-License-Identifier: Apache-2.0
#include "devices/deployment_manifest.hpp"

#include "base/hash.hpp"

#include <algorithm>

namespace nibblesmith::devices {

namespace {

constexpr int64_t kSchema = 1;
constexpr size_t kVersionDigits = 12;
constexpr size_t kDigestDigits = 64;
constexpr const char* kOrigin = "manifest";

Manifest::File fileFrom(const base::Json& json, const char* name) {
  const auto files = json.find("files");
  if (files == json.end() || !files->is_object() || !files->contains(name))
    throw base::Error(base::ErrorCode::Corrupt, std::string(kOrigin) + ": expected '" + name + "'");
  return {base::required<std::string>(files->at(name), "sha256", kOrigin),
          base::required<uint64_t>(files->at(name), "sizeBytes", kOrigin)};
}

} // namespace

bool isDigest(std::string_view text) {
  return text.size() == kDigestDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string Manifest::version() const {
  return base::sha256(model.sha256 + runner.sha256).substr(0, kVersionDigits);
}

std::string Manifest::text() const {
  const base::Json json = {{"schema", kSchema},
                           {"version", version()},
                           {"files",
                            {{kModelFile, {{"sha256", model.sha256}, {"sizeBytes", model.sizeBytes}}},
                             {kRunnerFile, {{"sha256", runner.sha256}, {"sizeBytes", runner.sizeBytes}}}}}};
  return json.dump(2, ' ', false, base::Json::error_handler_t::replace) + "\n";
}

std::optional<Manifest> parseManifest(const std::string& text) {
  try {
    const base::Json json = base::parseJson(text, kOrigin);
    const Manifest manifest{fileFrom(json, kModelFile), fileFrom(json, kRunnerFile)};
    if (base::required<int64_t>(json, "schema", kOrigin) == kSchema && isDigest(manifest.model.sha256) &&
        isDigest(manifest.runner.sha256) &&
        base::required<std::string>(json, "version", kOrigin) == manifest.version())
      return manifest;
  } catch (const base::Error&) {
  }
  return std::nullopt;
}

} // namespace nibblesmith::devices
