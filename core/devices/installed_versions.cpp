// SPDX-License-Identifier: Apache-2.0
#include "devices/installed_versions.hpp"

#include "base/foreign_text.hpp"
#include "base/json.hpp"
#include "devices/remote_shell.hpp"

#include <algorithm>
#include <sstream>

namespace nibblesmith::devices {

namespace {

/// Prints "@@<link>=<version>", followed by the version's manifest, at most 64 KiB.
constexpr std::string_view kList = R"(
for link in current previous; do
  target=$(readlink "$link") || continue
  [ -d "$target" ] || continue
  echo "@@$link=$target"
  head -c 65536 "$target/manifest.json" 2>/dev/null
  echo
done
exit 0
)";

/// Returns the version "3f2a..." in the link target "versions/3f2a...".
std::string versionIn(const std::string& target, const std::string& directory) {
  constexpr std::string_view kPrefix = "versions/";
  constexpr size_t kLongest = 64;
  const std::string name = target.starts_with(kPrefix) ? target.substr(kPrefix.size()) : std::string();
  const bool isVersion = !name.empty() && name.size() <= kLongest && name.front() != '.' &&
                         std::all_of(name.begin(), name.end(), [](char c) {
                           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.';
                         });
  if (!isVersion)
    throw base::Error(base::ErrorCode::Corrupt, "'" + base::foreignText(directory) +
                                                    "' on the device: expected links to versions/<version>, "
                                                    "found '" +
                                                    base::foreignText(target) + "'; deploy again");
  return name;
}

InstalledVersion describe(const std::string& name, const std::string& manifest, const std::string& origin) {
  InstalledVersion version{name, {}, 0};
  try {
    const base::Json json = base::parseJson(manifest, origin);
    const base::Json& files = base::requiredObject(json, "files", origin);
    const base::Json& model = base::requiredObject(files, "model.gguf", origin);
    version.sha256 = base::required<std::string>(model, "sha256", origin);
    version.sizeBytes = base::required<uint64_t>(model, "sizeBytes", origin);
  } catch (const base::Error&) {
    // A version with an unreadable manifest still has a name; rollBack() refuses to switch to it.
  }
  return version;
}

} // namespace

InstalledVersions installedVersions(SshSession& session, const std::string& directory,
                                    const std::stop_token& stop) {
  const std::string path = remoteDirectory(directory);
  const std::string script = "cd " + shellQuote(path) + " 2>/dev/null || exit 0" + std::string(kList);
  std::istringstream lines(runScriptOrThrow(session, script, "look at '" + path + "'", stop));
  std::string link, name, manifest;
  InstalledVersions versions;
  const auto take = [&] {
    if (!link.empty())
      (link == "current" ? versions.current : versions.previous) =
          describe(name, manifest, path + "/versions/" + name + "/manifest.json");
    manifest.clear();
  };
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("@@current=") || line.starts_with("@@previous=")) {
      take();
      const size_t equals = line.find('=');
      link = line.substr(2, equals - 2);
      name = versionIn(line.substr(equals + 1), path);
    } else {
      manifest += line + "\n";
    }
  }
  take();
  if (versions.current && versions.previous && versions.current->name == versions.previous->name)
    versions.previous.reset();
  return versions;
}

} // namespace nibblesmith::devices
