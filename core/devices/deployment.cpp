// SPDX-License-Identifier: Apache-2.0
#include "devices/deployment.hpp"

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/input_file.hpp"
#include "devices/deployment_layout.hpp"
#include "devices/remote_shell.hpp"

#include <algorithm>
#include <array>
#include <sstream>

namespace nibblesmith::devices {

namespace {

std::string sha256OfFile(const std::filesystem::path& path, const std::stop_token& stop,
                         base::Progress& progress) {
  const base::InputFile file(path);
  const std::string stage = "computing the checksum of " + path.filename().string();
  base::Sha256 digest;
  std::vector<std::byte> buffer(size_t{1} << 20);
  for (uint64_t done = 0; done < file.size();) {
    base::throwIfStopped(stop);
    const auto piece = std::span(buffer).first(std::min<uint64_t>(buffer.size(), file.size() - done));
    file.read(done, piece);
    digest.update(piece);
    done += piece.size();
    progress.report(static_cast<double>(done) / static_cast<double>(file.size()), stage);
  }
  file.requireUnchanged();
  return digest.hexDigest();
}

/// Computes the manifest of the files to deploy.
Manifest localManifest(const std::filesystem::path& gguf, const std::filesystem::path& runner,
                       const std::stop_token& stop, base::Progress& progress) {
  base::SubProgress first(progress, 0, 0.9);
  base::SubProgress second(progress, 0.9, 1);
  return {{sha256OfFile(gguf, stop, first), base::fileSize(gguf)},
          {sha256OfFile(runner, stop, second), base::fileSize(runner)}};
}

/// Digests of the two files of a version on the device; "" for a missing file.
struct Digests {
  std::string model;
  std::string runner;
};

Digests remoteDigests(const DeploymentLock& lock, const OwnedVersion& version, const std::stop_token& stop) {
  const std::string directory = "versions/" + version.name;
  std::string script = "r=" + shellQuote("./" + directory + "/" + kRunnerFile) + "\n" + std::string(kSum);
  for (const char* name : {kModelFile, kRunnerFile}) {
    const std::string path = shellQuote(directory + "/" + name);
    script += "echo '@@" + std::string(name) + "'; [ ! -f " + path + " ] || sum " + path + " || exit 1\n";
  }
  const uint64_t bytes = version.manifest.model.sizeBytes + version.manifest.runner.sizeBytes;
  std::istringstream lines(lock.runLong(script, "compute checksums", bytes, stop));
  Digests found;
  std::string* target = nullptr;
  for (std::string line; std::getline(lines, line);) {
    if (line == "@@" + std::string(kModelFile))
      target = &found.model;
    else if (line == "@@" + std::string(kRunnerFile))
      target = &found.runner;
    else if (const std::string digest = line.substr(0, line.find(' ')); target && isDigest(digest))
      *target = digest;
  }
  return found;
}

/// Returns "" if the digests match, otherwise which file differs and how.
std::string difference(const Manifest& expected, const Digests& found) {
  const std::array<std::array<std::string, 3>, 2> files{
      {{kModelFile, expected.model.sha256, found.model},
       {kRunnerFile, expected.runner.sha256, found.runner}}};
  for (const auto& [name, want, have] : files)
    if (want != have)
      return "'" + name + "': expected sha256 " + want + ", found " + (have.empty() ? "no file" : have);
  return {};
}

struct Deployment {
  const DeploymentLock& lock;
  std::filesystem::path gguf;
  std::filesystem::path runner;
  Manifest manifest;
  const std::stop_token& stop;
  OwnedVersion part = {}; ///< the upload's directory

  uint64_t bytes() const { return manifest.model.sizeBytes + manifest.runner.sizeBytes; }
  std::string partDirectory() const { return lock.directory() + "/versions/" + part.name; }

  /// Continues an unfinished upload of this version, or starts a new one. The manifest is uploaded first,
  /// because it marks the directory as created by this program.
  void beginPart(const OwnedVersion* unfinished) {
    part = {unfinished ? unfinished->name : "." + manifest.version() + "." + lock.id() + ".part", manifest};
    if (unfinished)
      return;
    const std::string path = "versions/" + part.name;
    lock.run("set -e\n[ -d versions ] || mkdir versions\nprintf %s " + shellQuote(manifest.text()) +
                 " > $lock/manifest\nmkdir " + path + "\nmv $lock/manifest " + path + "/" + kManifestFile,
             "create '" + lock.directory() + "/" + path + "'", stop);
  }

  /// Uploads both files and checks them on the device. Returns "" if they are complete, otherwise the
  /// difference.
  std::string uploadChecked(bool resume, base::Progress& progress) {
    SshSession& session = lock.session();
    const double share =
        0.9 * static_cast<double>(manifest.runner.sizeBytes) / std::max(static_cast<double>(bytes()), 1.0);
    // The small runner goes first: a full disk then fails at the model, before any of it is written. The
    // runner is always a new file, because a broken connection may still hold the one of an earlier upload
    // open for writing, and such a file cannot be run.
    base::SubProgress program(progress, 0, share);
    HeartbeatProgress programBeats(program, lock, stop);
    session.upload(runner, partDirectory() + "/" + kRunnerFile, false, stop, programBeats);
    base::SubProgress model(progress, share, 0.9);
    HeartbeatProgress modelBeats(model, lock, stop);
    session.upload(gguf, partDirectory() + "/" + kModelFile, resume, stop, modelBeats);
    progress.report(0.9, "checking on the device");
    lock.run("chmod 755 versions/" + part.name + "/" + kRunnerFile, "make the runner a program", stop);
    std::string differs = difference(manifest, remoteDigests(lock, part, stop));
    progress.report(1, "checking on the device");
    return differs;
  }

  /// Uploads both files. Starts again from the beginning if the rest of an interrupted upload turns out to be
  /// damaged.
  void upload(const OwnedVersion* unfinished, base::Progress& progress) {
    beginPart(unfinished);
    const double share = unfinished ? 0.5 : 1;
    base::SubProgress first(progress, 0, share);
    std::string differs = uploadChecked(true, first);
    if (!differs.empty() && unfinished) {
      base::SubProgress again(progress, share, 1);
      differs = uploadChecked(false, again);
    }
    if (differs.empty())
      return;
    discard(lock, {part});
    throw base::Error(base::ErrorCode::Io, "the upload to '" + partDirectory() +
                                               "' on the device was damaged and removed: " + differs);
  }

  /// Checks before the switch that the runner starts: one for another processor must not become current.
  void checkRunnerStarts() {
    const CommandResult result = runScript(
        lock.session(), lock.script("./versions/" + part.name + "/" + kRunnerFile + " --version"), stop);
    if (result.exitStatus != 0)
      throw base::Error(base::ErrorCode::NotSupported,
                        "the runner '" + runner.string() + "' does not start on the device (exit status " +
                            std::to_string(result.exitStatus) + "): " + lastLine(result.errors));
  }

  /// Flushes the upload to disk before any link points at it, because a board may lose power at any time.
  void sync() {
    const std::string path = "versions/" + part.name;
    lock.runLong("sync " + path + "/* " + path + " 2>/dev/null || sync", "write to its disk", bytes(), stop);
  }

  /// Moves the upload from its temporary name to versions/<version>. A damaged version or foreign entry of
  /// that name is moved aside first. Takes milliseconds and cannot be stopped half-way, like the switch.
  void install() {
    const std::string v = manifest.version();
    lock.run("set -e\ncd versions\n[ ! -e " + v + " ] && [ ! -L " + v + " ] || mv " + v + " " + v + ".kept-" +
                 lock.id() + "\nmv " + part.name + " " + v,
             "install version " + v + " in '" + lock.directory() + "'", {});
  }
};

/// Returns the names of entries that were found or left in versions/ and do not belong to this program, for
/// display.
std::vector<std::string> keptNames(const DeploymentLock& lock, const Layout& layout,
                                   const std::vector<std::string>& stayed) {
  std::vector<std::string> kept = lock.kept();
  kept.insert(kept.end(), layout.others.begin(), layout.others.end());
  if (layout.otherCount > layout.others.size())
    kept.push_back(std::to_string(layout.otherCount - layout.others.size()) + " more in versions");
  kept.insert(kept.end(), stayed.begin(), stayed.end());
  return kept;
}

DeploymentResult resultOf(const std::string& directory, const std::string& version,
                          const std::string& previous, const std::string& sha256) {
  DeploymentResult result;
  result.remotePath = directory + "/current/" + kModelFile;
  result.version = directory + "/versions/" + version;
  if (!previous.empty())
    result.previous = directory + "/versions/" + previous;
  result.sha256 = sha256;
  return result;
}

/// Makes a version current and removes outdated ones.
DeploymentResult finish(const DeploymentLock& lock, const Manifest& manifest, const std::string& before) {
  const std::string version = manifest.version();
  switchTo(lock, version, before);
  DeploymentResult result = resultOf(lock.directory(), version, before, manifest.model.sha256);
  // The deployment is complete; neither a stop request nor an error may change its result.
  try {
    const Layout layout = readDeploymentLayout(lock, {});
    result.kept = keptNames(lock, layout, discard(lock, outdated(layout, version, layout.previous)));
  } catch (const base::Error& error) {
    result.kept.push_back(std::string("older versions (") + error.what() + ")");
  }
  return result;
}

} // namespace

DeploymentResult deploy(SshSession& session, const std::string& directory, const std::filesystem::path& gguf,
                        const std::filesystem::path& runner, const std::stop_token& stop,
                        base::Progress& progress) {
  base::SubProgress hashing(progress, 0, 0.08);
  const Manifest manifest = localManifest(gguf, runner, stop, hashing);
  const std::string name = manifest.version(), path = remoteDirectory(directory);
  base::SubProgress waiting(progress, 0.08, 0.08);
  waiting.report(0, "looking at the device");
  runScriptOrThrow(session, "mkdir -p " + shellQuote(path), "create '" + path + "'", stop);
  const DeploymentLock lock(session, path, "deploying " + gguf.filename().string(), stop, waiting);
  const Layout layout = readDeploymentLayout(lock, stop);
  const OwnedVersion* installed = layout.installed(name);
  if (!installed || !difference(manifest, remoteDigests(lock, *installed, stop)).empty()) {
    Deployment deployment{lock, gguf, runner, manifest, stop};
    base::SubProgress uploading(progress, 0.1, 0.92);
    deployment.upload(layout.part(name), uploading);
    progress.report(0.95, "starting the runner once");
    deployment.checkRunnerStarts();
    deployment.sync();
    base::throwIfStopped(stop);
    deployment.install();
  }
  progress.report(0.98, "switching");
  base::throwIfStopped(stop);
  std::string before = layout.current == name ? layout.previous : layout.current;
  if (before == name)
    before.clear();
  DeploymentResult result = finish(lock, manifest, before);
  progress.report(1, "deployed");
  return result;
}

DeploymentResult rollBack(SshSession& session, const std::string& directory, const std::stop_token& stop) {
  const std::string path = remoteDirectory(directory);
  const auto refuse = [&](const std::string& current) {
    throw base::Error(base::ErrorCode::NotFound, "'" + path + "' on the device has no version before " +
                                                     (current.empty() ? "(nothing is deployed)" : current));
  };
  if (runScript(session, "[ -d " + shellQuote(path) + " ]", stop).exitStatus != 0)
    refuse({});
  base::NoProgress waiting;
  const DeploymentLock lock(session, path, "rolling back", stop, waiting);
  const Layout layout = readDeploymentLayout(lock, stop);
  if (layout.previous.empty() || layout.previous == layout.current)
    refuse(layout.current);
  const OwnedVersion* previous = layout.installed(layout.previous);
  if (!previous)
    throw base::Error(base::ErrorCode::Corrupt, "version " + layout.previous +
                                                    " on the device has no manifest of this program, not "
                                                    "switched: deploy again");
  if (const std::string differs = difference(previous->manifest, remoteDigests(lock, *previous, stop));
      !differs.empty())
    throw base::Error(base::ErrorCode::Corrupt,
                      "version " + layout.previous + " on the device is damaged, not switched: " + differs);
  return finish(lock, previous->manifest, layout.current);
}

} // namespace nibblesmith::devices
