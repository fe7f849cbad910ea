// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "devices/deployment_lock.hpp"
#include "devices/deployment_manifest.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nibblesmith::devices {

/// Shell function: sum FILE prints "<digest> ...", computed by a tool of the device or, if it has none, by
/// the runner $r.
inline constexpr std::string_view kSum = R"(
sum() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum < "$1"
  elif busybox sha256sum < /dev/null >/dev/null 2>&1; then busybox sha256sum < "$1"
  elif command -v shasum >/dev/null 2>&1; then shasum -a 256 < "$1"
  else "$r" sha256 "$1"; fi
}
)";

/// Directory in versions/ that this program created: a version, an unfinished upload, or a directory that was
/// moved aside for a new version.
struct OwnedVersion {
  std::string name; ///< directory name
  Manifest manifest;

  /// True if this is an installed version under its final name.
  bool isInstalled() const { return name == manifest.version(); }
  /// True for "<.version.id.part>", an unfinished upload.
  bool isPart() const { return name.starts_with('.'); }
};

/// Contents of the deployment directory.
struct Layout {
  std::string current; ///< version name, "" if there is none
  std::string previous;
  std::vector<OwnedVersion> ours;
  std::vector<std::string> others; ///< names of the first 20 other entries of versions/; for display
  size_t otherCount = 0;

  const OwnedVersion* installed(const std::string& version) const;
  const OwnedVersion* part(const std::string& version) const;
};

/// Reads the contents of the deployment directory. Throws base::Error{InvalidArgument} if current, previous
/// or versions is of a kind that this program does not create: the directory then belongs to something else.
Layout readDeploymentLayout(const DeploymentLock& lock, const std::stop_token& stop);

/// Makes `version` current and `before` the previous version; "" leaves the previous version unchanged. Takes
/// milliseconds and cannot be stopped half-way.
void switchTo(const DeploymentLock& lock, const std::string& version, const std::string& before);

/// Removes the files of these versions, and their directories if nothing else is in them. A file whose size
/// or SHA-256 is not the manifest's stays; of an unfinished upload, one that is too large. Returns the names
/// of the entries that remain, for display.
std::vector<std::string> discard(const DeploymentLock& lock, const std::vector<OwnedVersion>& versions);

/// Returns all versions of this program except the current and the previous one.
std::vector<OwnedVersion> outdated(const Layout& layout, const std::string& current,
                                   const std::string& previous);

} // namespace nibblesmith::devices
