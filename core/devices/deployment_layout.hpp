// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "devices/deployment_lock.hpp"
#include "devices/deployment_manifest.hpp"

#include <optional>
#include <string>
#include <vector>

namespace nibblesmith::devices {

/// A directory in versions/ that this program made: a version, an unfinished upload or what made way for a
/// new version.
struct OwnedVersion {
  std::string name; ///< of the directory
  Manifest manifest;

  /// Whether it is the version itself, under its own name.
  bool isInstalled() const { return name == manifest.version(); }
  /// "<.version.id.part>": an upload that was not finished.
  bool isPart() const { return name.starts_with('.'); }
};

/// What is in the deployment directory.
struct Layout {
  std::string current; ///< names of versions, "" for none
  std::string previous;
  std::vector<OwnedVersion> ours;
  std::vector<std::string> others; ///< of what else is in versions/, the first 20; for people
  size_t otherCount = 0;

  const OwnedVersion* installed(const std::string& version) const;
  const OwnedVersion* part(const std::string& version) const;
};

/// Throws base::Error{InvalidArgument} where current, previous or versions are something that this program
/// does not make: then the directory is somebody else's.
Layout readLayout(const DeploymentLock& lock, const std::stop_token& stop);

/// Makes `version` current and `before` the previous one; "" leaves that. Milliseconds, and not stopped
/// half-way.
void switchTo(const DeploymentLock& lock, const std::string& version, const std::string& before);

/// Removes the files of these versions, and their directories where nothing else is in them. Returns what
/// stayed, for people.
std::vector<std::string> discard(const DeploymentLock& lock, const std::vector<OwnedVersion>& versions);

/// Everything of ours but the current and the previous version.
std::vector<OwnedVersion> outdated(const Layout& layout, const std::string& current,
                                   const std::string& previous);

} // namespace nibblesmith::devices
