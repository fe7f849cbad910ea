// SPDX-License-Identifier: Apache-2.0
#include "devices/deployment.hpp"

#include "base/file.hpp"
#include "base/hash.hpp"
#include "devices/remote_shell.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

namespace nibblesmith::devices {

namespace {

constexpr int64_t kManifestSchema = 1;
constexpr size_t kVersionDigits = 12;
constexpr size_t kDigestDigits = 64;
constexpr const char* kModel = "model.gguf";
constexpr const char* kRunner = "nsmith-runner";

/// sum FILE prints "<digest> ...": with what the device has, the runner itself at last. $r is the runner.
constexpr std::string_view kSum = R"(
sum() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum < "$1"
  elif busybox sha256sum < /dev/null >/dev/null 2>&1; then busybox sha256sum < "$1"
  elif command -v shasum >/dev/null 2>&1; then shasum -a 256 < "$1"
  else "$r" sha256 "$1"; fi
}
)";

/// point LINK TARGET: a link that is changed in one step, never absent. Old BusyBoxes know no mv -T; there ln
/// replaces it in two system calls.
constexpr std::string_view kPoint = R"(
point() {
  rm -f ".$1.tmp"
  ln -s "$2" ".$1.tmp"
  mv -fT ".$1.tmp" "$1" 2>/dev/null || { rm -f ".$1.tmp"; ln -sfn "$2" "$1"; }
}
)";

struct LocalVersion {
  std::string gguf; ///< digests
  std::string runner;
  std::string name; ///< of the version: both together
};

std::string sha256OfFile(const std::filesystem::path& path, const std::stop_token& stop,
                         base::Progress& progress) {
  std::ifstream file(path, std::ios::binary);
  if (!file || !std::filesystem::is_regular_file(path))
    throw base::Error(base::ErrorCode::NotFound, "cannot read '" + path.string() + "': expected a file");
  const auto size = static_cast<double>(std::filesystem::file_size(path));
  const std::string stage = "computing the checksum of " + path.filename().string();
  base::Sha256 digest;
  std::string buffer(size_t{1} << 20, '\0');
  double done = 0;
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || file.gcount() > 0) {
    base::throwIfStopped(stop);
    digest.update(std::string_view(buffer).substr(0, static_cast<size_t>(file.gcount())));
    done += static_cast<double>(file.gcount());
    progress.report(size > 0 ? done / size : 1, stage);
  }
  if (file.bad())
    base::throwErrno("read", path.string());
  return digest.hexDigest();
}

LocalVersion localVersion(const std::filesystem::path& gguf, const std::filesystem::path& runner,
                          const std::stop_token& stop, base::Progress& progress) {
  base::SubProgress first(progress, 0, 0.9);
  base::SubProgress second(progress, 0.9, 1);
  LocalVersion version;
  version.gguf = sha256OfFile(gguf, stop, first);
  version.runner = sha256OfFile(runner, stop, second);
  version.name = base::sha256(version.gguf + version.runner).substr(0, kVersionDigits);
  return version;
}

bool isDigest(std::string_view text) {
  return text.size() == kDigestDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

/// Digests of model and runner in a directory on the device; "" for a file that is not there.
LocalVersion remoteDigests(SshSession& session, const std::string& directory, const std::stop_token& stop) {
  std::string script = "r=" + shellQuote(directory + "/" + kRunner) + "\n" + std::string(kSum);
  for (const char* name : {kModel, kRunner}) {
    const std::string path = shellQuote(directory + "/" + name);
    script += "echo '@@" + std::string(name) + "'; [ ! -f " + path + " ] || sum " + path + " || exit 1\n";
  }
  const std::string output = runScriptOrThrow(session, script, "compute checksums", stop);
  LocalVersion found;
  std::string* target = nullptr;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (line == "@@" + std::string(kModel))
      target = &found.gguf;
    else if (line == "@@" + std::string(kRunner))
      target = &found.runner;
    else if (const std::string digest = line.substr(0, line.find(' ')); target && isDigest(digest))
      *target = digest;
  }
  return found;
}

/// What lies in the deployment directory.
struct Layout {
  std::string current; ///< names of versions, "" for none
  std::string previous;
  bool complete = false; ///< the version looked for is there
  bool partial = false;  ///< an interrupted upload of it is there
};

std::string versionOfLink(const std::string& target) {
  constexpr std::string_view kPrefix = "versions/";
  return target.starts_with(kPrefix) ? target.substr(kPrefix.size()) : std::string();
}

Layout readLayout(SshSession& session, const std::string& directory, const std::string& version,
                  const std::stop_token& stop) {
  const std::string script =
      "cd " + shellQuote(directory) + " 2>/dev/null || exit 0\n" +
      "echo \"@@current=$(readlink current)\"; echo \"@@previous=$(readlink previous)\"\n" +
      "[ ! -f versions/" + version + "/manifest.json ] || echo '@@complete'\n" + "[ ! -d versions/." +
      version + ".part ] || echo '@@partial'\n" + "exit 0";
  Layout layout;
  std::istringstream lines(runScriptOrThrow(session, script, "look at '" + directory + "'", stop));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("@@current="))
      layout.current = versionOfLink(line.substr(line.find('=') + 1));
    else if (line.starts_with("@@previous="))
      layout.previous = versionOfLink(line.substr(line.find('=') + 1));
    layout.complete |= line == "@@complete";
    layout.partial |= line == "@@partial";
  }
  return layout;
}

std::string manifest(const LocalVersion& version, const std::filesystem::path& gguf,
                     const std::filesystem::path& runner) {
  const base::Json json = {
      {"schema", kManifestSchema},
      {"version", version.name},
      {"files",
       {{kModel, {{"sha256", version.gguf}, {"sizeBytes", std::filesystem::file_size(gguf)}}},
        {kRunner, {{"sha256", version.runner}, {"sizeBytes", std::filesystem::file_size(runner)}}}}}};
  return json.dump(2, ' ', false, base::Json::error_handler_t::replace) + "\n";
}

/// "" where they agree, else which file differs and how.
std::string difference(const LocalVersion& expected, const LocalVersion& found) {
  const std::array<std::array<std::string, 3>, 2> files{
      {{kModel, expected.gguf, found.gguf}, {kRunner, expected.runner, found.runner}}};
  for (const auto& [name, want, have] : files)
    if (want != have)
      return "'" + name + "': expected sha256 " + want + ", found " + (have.empty() ? "no file" : have);
  return {};
}

struct Deployment {
  SshSession& session;
  std::string directory;
  std::filesystem::path gguf;
  std::filesystem::path runner;
  LocalVersion version;
  const std::stop_token& stop;

  std::string partDirectory() const { return directory + "/versions/." + version.name + ".part"; }

  /// Both files and the manifest under temporary names, checked on the device. "" where they arrived whole,
  /// else what differs; a damaged upload is removed.
  std::string uploadChecked(bool resume, base::Progress& progress) {
    const std::string part = partDirectory();
    runScriptOrThrow(session, "mkdir -p " + shellQuote(part), "create '" + part + "'", stop);
    const auto ggufSize = static_cast<double>(std::filesystem::file_size(gguf));
    const auto runnerSize = static_cast<double>(std::filesystem::file_size(runner));
    const double share = 0.9 * runnerSize / std::max(ggufSize + runnerSize, 1.0);
    // The small one first: what a full disk refuses is then the model, of which nothing is written.
    base::SubProgress program(progress, 0, share);
    session.upload(runner, part + "/" + kRunner, resume, stop, program);
    base::SubProgress model(progress, share, 0.9);
    session.upload(gguf, part + "/" + kModel, resume, stop, model);
    progress.report(0.9, "checking on the device");
    runScriptOrThrow(session,
                     "cd " + shellQuote(part) + " && chmod 755 " + kRunner + " && printf %s " +
                         shellQuote(manifest(version, gguf, runner)) + " > manifest.json",
                     "write '" + part + "/manifest.json'", stop);
    const std::string differs = difference(version, remoteDigests(session, part, stop));
    progress.report(1, "checking on the device");
    if (!differs.empty())
      runScriptOrThrow(session, "rm -rf " + shellQuote(part), "remove '" + part + "'", stop);
    return differs;
  }

  /// Before anything is switched: a runner for another processor must not become current.
  void checkRunnerStarts() {
    const std::string path = partDirectory() + "/" + kRunner;
    const CommandResult result = runScript(session, shellQuote(path) + " --version", stop);
    if (result.exitStatus != 0)
      throw base::Error(base::ErrorCode::NotSupported,
                        "the runner '" + runner.string() + "' does not start on the device (exit status " +
                            std::to_string(result.exitStatus) + "): " + lastLine(result.errors));
  }

  /// On the disk before anything points at it: a board may lose its power at any time.
  void sync() {
    const std::string part = shellQuote(partDirectory());
    runScriptOrThrow(session, "sync " + part + "/* " + part + " 2>/dev/null || sync", "write to its disk",
                     stop);
  }

  /// From the temporary name to versions/<version>. A damaged version of that name makes way. Like the switch
  /// it takes milliseconds and is not stopped half-way.
  void install() {
    const std::string& v = version.name;
    runScriptOrThrow(session,
                     "set -e\ncd " + shellQuote(directory) + "/versions\nrm -rf ." + v + ".old\n[ ! -e " + v +
                         " ] || mv " + v + " ." + v + ".old\nmv ." + v + ".part " + v + "\nrm -rf ." + v +
                         ".old",
                     "install version " + v + " in '" + directory + "'", {});
  }
};

/// Makes `version` current and `before` the previous one, and removes all others.
void switchTo(SshSession& session, const std::string& directory, const std::string& version,
              const std::string& before) {
  std::string script = "set -e\ncd " + shellQuote(directory) + "\n" + std::string(kPoint);
  // `previous` first: whatever happens in between, `current` names a complete version and the other stays.
  if (!before.empty())
    script += "point previous " + shellQuote("versions/" + before) + "\n";
  script += "point current " + shellQuote("versions/" + version) + "\n";
  script += "c=$(readlink current); p=$(readlink previous || true)\n"
            "for v in versions/* versions/.*.part versions/.*.old; do\n"
            "  [ \"$v\" = \"$c\" ] || [ \"$v\" = \"$p\" ] || rm -rf \"$v\"\n"
            "done";
  runScriptOrThrow(session, script, "make version " + version + " current in '" + directory + "'", {});
}

DeploymentResult resultOf(const std::string& directory, const std::string& version,
                          const std::string& previous, const std::string& sha256) {
  DeploymentResult result;
  result.remotePath = directory + "/current/" + kModel;
  result.version = directory + "/versions/" + version;
  if (!previous.empty())
    result.previous = directory + "/versions/" + previous;
  result.sha256 = sha256;
  return result;
}

} // namespace

DeploymentResult deploy(SshSession& session, const std::string& directory, const std::filesystem::path& gguf,
                        const std::filesystem::path& runner, const std::stop_token& stop,
                        base::Progress& progress) {
  base::SubProgress hashing(progress, 0, 0.08);
  Deployment deployment{
      session, remoteDirectory(directory), gguf, runner, localVersion(gguf, runner, stop, hashing), stop};
  const std::string& name = deployment.version.name;
  progress.report(0.08, "looking at the device");
  const Layout layout = readLayout(session, deployment.directory, name, stop);
  const std::string installed = deployment.directory + "/versions/" + name;
  const bool there =
      layout.complete && difference(deployment.version, remoteDigests(session, installed, stop)).empty();
  if (!there) {
    // What an interrupted upload left may be damaged: then once more, from the start.
    const double share = layout.partial ? 0.5 : 0.92;
    base::SubProgress uploading(progress, 0.1, share);
    std::string differs = deployment.uploadChecked(true, uploading);
    if (!differs.empty() && layout.partial) {
      base::SubProgress again(progress, share, 0.92);
      differs = deployment.uploadChecked(false, again);
    }
    if (!differs.empty())
      throw base::Error(base::ErrorCode::Io, "the upload to '" + deployment.partDirectory() +
                                                 "' on the device was damaged and removed: " + differs);
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
  switchTo(session, deployment.directory, name, before);
  progress.report(1, "deployed");
  return resultOf(deployment.directory, name, before, deployment.version.gguf);
}

DeploymentResult rollBack(SshSession& session, const std::string& directory, const std::stop_token& stop) {
  const std::string path = remoteDirectory(directory);
  const Layout layout = readLayout(session, path, "none", stop);
  if (layout.previous.empty() || layout.previous == layout.current)
    throw base::Error(base::ErrorCode::NotFound,
                      "'" + path + "' on the device has no version before " +
                          (layout.current.empty() ? "(nothing is deployed)" : layout.current));
  const std::string installed = path + "/versions/" + layout.previous;
  const LocalVersion found = remoteDigests(session, installed, stop);
  const std::string manifestText =
      runScriptOrThrow(session, "cat " + shellQuote(installed + "/manifest.json"), "read the manifest", stop);
  const std::string origin = installed + "/manifest.json";
  const base::Json json = base::parseJson(manifestText, origin);
  const auto digestOf = [&](const char* file) {
    const base::Json files = base::optional<base::Json>(json, "files", base::Json::object(), origin);
    const bool listed = files.is_object() && files.contains(file);
    return base::required<std::string>(listed ? files.at(file) : base::Json(), "sha256", origin);
  };
  const LocalVersion expected{digestOf(kModel), digestOf(kRunner), layout.previous};
  if (const std::string differs = difference(expected, found); !differs.empty())
    throw base::Error(base::ErrorCode::Corrupt,
                      "version " + layout.previous + " on the device is damaged, not switched: " + differs);
  switchTo(session, path, layout.previous, layout.current);
  return resultOf(path, layout.previous, layout.current, found.gguf);
}

} // namespace nibblesmith::devices
