// SPDX-License-Identifier: Apache-2.0
#include "devices/deployment_layout.hpp"

#include "base/error.hpp"
#include "base/foreign_text.hpp"
#include "devices/remote_shell.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

namespace nibblesmith::devices {

namespace {

/// Shell functions. size FILE exists because POSIX has no stat(1), and wc(1) of BusyBox reads the whole file.
constexpr std::string_view kFunctions = R"sh(
kind() {
  if [ -L "$1" ]; then echo link
  elif [ -d "$1" ]; then echo directory
  elif [ -f "$1" ]; then echo file
  elif [ -e "$1" ]; then echo something
  else echo nothing
  fi
}
size() { set -- $(ls -dn "$1"); echo "$5"; }
)sh";

/// Prints the links, the manifests of directories that may be ours, and the names of all other entries. Names
/// that contain a line break are only counted.
constexpr std::string_view kLook = R"sh(
for l in current previous; do
  k=$(kind $l); t=; [ "$k" != link ] || t=$(readlink $l)
  echo "@@$l=$k $t"
done
echo "@@versions=$(kind versions)"
[ -d versions ] && [ ! -L versions ] || exit 0
line='
'
others=0
for v in versions/* versions/.*; do
  n=${v#versions/}
  case $n in .|..) continue ;; esac
  [ -e "$v" ] || [ -L "$v" ] || continue
  m=$v/manifest.json
  case $n in
  @PATTERNS@)
    if [ ! -L "$v" ] && [ -d "$v" ] && [ ! -L "$m" ] && [ -f "$m" ] && [ "$(size "$m")" -le 4096 ]; then
      echo "@@version=$n"; cat "$m"; echo; echo '@@end'
      continue
    fi ;;
  esac
  others=$((others + 1))
  case $n in *"$line"*) continue ;; esac
  [ $others -gt 20 ] || echo "@@other=$n"
done
echo "@@others=$others"
)sh";

/// Shell function: point LINK TARGET changes a link atomically; it is never absent. Old BusyBox versions lack
/// mv -T; there, ln replaces the link in two system calls.
constexpr std::string_view kPoint = R"sh(
point() {
  case $(kind "$1") in link|nothing) ;; *) echo "'$1' is no link" >&2; exit 1 ;; esac
  rm -f "$lock/$1"
  ln -s "$2" "$lock/$1"
  mv -fT "$lock/$1" "$1" 2>/dev/null || { rm -f "$lock/$1"; ln -sfn "$2" "$1"; }
}
)sh";

/// Shell function: discard NAME MODEL-SIZE MODEL-SHA256 RUNNER-SIZE RUNNER-SHA256 removes the files that have
/// this size and digest; of an unfinished upload, files of at most this size. The manifest is removed last:
/// it marks the directory as ours as long as it contains anything.
constexpr std::string_view kDiscard = R"sh(
drop() {
  [ ! -L "$1" ] && [ -f "$1" ] || return 0
  s=$(size "$1")
  if [ "$4" = part ]; then
    [ "$s" -gt "$2" ] || rm -f "$1"
  elif [ "$s" -eq "$2" ]; then
    d=$(sum "$1"); [ "${d%% *}" != "$3" ] || rm -f "$1"
  fi
}
discard() {
  v=versions/$1; part=; case $1 in .*) part=part ;; esac
  [ ! -L "$v" ] && [ -d "$v" ] || return 0
  drop "$v/model.gguf" "$2" "$3" "$part"
  drop "$v/nsmith-runner" "$4" "$5" "$part"
  rest=0
  for f in "$v"/* "$v"/.*; do
    case ${f##*/} in .|..|manifest.json) continue ;; esac
    [ -e "$f" ] || [ -L "$f" ] || continue
    rest=$((rest + 1)); [ $rest -gt 3 ] || echo "@@kept=$f"
  done
  [ $rest -gt 0 ] || { rm -f "$v/manifest.json"; rmdir "$v"; }
}
)sh";

/// Returns shell patterns for the names of directories that this program creates in versions/.
std::string patterns() {
  std::string version;
  for (int digit = 0; digit < 12; ++digit)
    version += "[0-9a-f]";
  return version + "|." + version + ".*part|" + version + ".kept-*";
}

std::string lookScript() {
  std::string script(kLook);
  constexpr std::string_view kMark = "@PATTERNS@";
  return script.replace(script.find(kMark), kMark.size(), patterns());
}

bool isVersionName(const std::string& name) {
  return name.size() == 12 && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

/// True for a directory name that this program gives to the version of a manifest: "<version>",
/// ".<version>.<id>.part" or "<version>.kept-<id>". Such names are inserted into scripts. A copy under
/// another name is its owner's, although it contains a manifest of this program.
bool isOwnedName(const std::string& name, const std::string& version) {
  if (name == version)
    return isVersionName(name);
  constexpr size_t kIdDigits = 32; // of base::randomId()
  const std::string_view text = name;
  for (const auto& [before, after] :
       {std::pair("." + version + ".", std::string(".part")), std::pair(version + ".kept-", std::string())})
    if (name.starts_with(before) && name.ends_with(after) &&
        name.size() == before.size() + kIdDigits + after.size())
      return text.substr(before.size(), kIdDigits).find_first_not_of("0123456789abcdef") ==
             std::string_view::npos;
  return false;
}

[[noreturn]] void throwForeign(const std::string& directory, const std::string& what,
                               const std::string& expected, const std::string& found) {
  throw base::Error(base::ErrorCode::InvalidArgument,
                    "'" + directory + "/" + what + "' on the device: expected " + expected + ", found " +
                        base::foreignText(found, 100) +
                        "; move it away, or give the device another directory for deployments");
}

/// Returns the version in "link versions/<version>".
std::string versionOf(const std::string& text, const std::string& directory, const std::string& link) {
  if (text == "nothing ")
    return {};
  constexpr std::string_view kPrefix = "link versions/";
  const std::string name = text.starts_with(kPrefix) ? text.substr(kPrefix.size()) : std::string();
  if (!isVersionName(name))
    throwForeign(directory, link, "a link of this program to a version", text);
  return name;
}

/// Reads lines up to "@@end".
std::string manifestText(std::istringstream& lines) {
  std::string text;
  for (std::string line; std::getline(lines, line) && line != "@@end";)
    text += line + "\n";
  return text;
}

std::string quotedArguments(const OwnedVersion& version) {
  std::string arguments = shellQuote(version.name);
  for (const Manifest::File& file : {version.manifest.model, version.manifest.runner})
    arguments += " " + std::to_string(file.sizeBytes) + " " + file.sha256;
  return arguments;
}

} // namespace

const OwnedVersion* Layout::installed(const std::string& version) const {
  const auto found = std::find_if(
      ours.begin(), ours.end(), [&](const OwnedVersion& v) { return v.isInstalled() && v.name == version; });
  return found == ours.end() ? nullptr : &*found;
}

const OwnedVersion* Layout::part(const std::string& version) const {
  const auto found = std::find_if(ours.begin(), ours.end(), [&](const OwnedVersion& v) {
    return v.isPart() && v.manifest.version() == version;
  });
  return found == ours.end() ? nullptr : &*found;
}

Layout readDeploymentLayout(const DeploymentLock& lock, const std::stop_token& stop) {
  const std::string& directory = lock.directory();
  std::istringstream lines(
      lock.run(std::string(kFunctions) + lookScript(), "look at '" + directory + "'", stop));
  Layout layout;
  const auto other = [&](const std::string& name) {
    layout.others.push_back("versions/" + base::foreignText(name, 100));
  };
  for (std::string line; std::getline(lines, line);) {
    const std::string value = line.substr(std::min(line.size(), line.find('=') + 1));
    if (line.starts_with("@@current="))
      layout.current = versionOf(value, directory, "current");
    else if (line.starts_with("@@previous="))
      layout.previous = versionOf(value, directory, "previous");
    else if (line.starts_with("@@versions=") && value != "directory" && value != "nothing")
      throwForeign(directory, "versions", "a directory of this program", "a " + value);
    else if (line.starts_with("@@other="))
      other(value);
    else if (line.starts_with("@@others="))
      layout.otherCount += std::strtoull(value.c_str(), nullptr, 10);
    else if (line.starts_with("@@version=")) {
      if (const auto manifest = parseManifest(manifestText(lines));
          manifest && isOwnedName(value, manifest->version()))
        layout.ours.push_back({value, *manifest});
      else if (++layout.otherCount <= 20)
        other(value);
    }
  }
  return layout;
}

void switchTo(const DeploymentLock& lock, const std::string& version, const std::string& before) {
  std::string script = "set -e\n" + std::string(kFunctions) + std::string(kPoint);
  // `previous` is switched first: if the script is interrupted, `current` still names a complete version, and
  // the other one is kept.
  if (!before.empty())
    script += "point previous " + shellQuote("versions/" + before) + "\n";
  script += "point current " + shellQuote("versions/" + version) + "\n";
  lock.run(script, "make version " + version + " current in '" + lock.directory() + "'", {});
}

std::vector<std::string> discard(const DeploymentLock& lock, const std::vector<OwnedVersion>& versions) {
  // An upload that was killed at its very start leaves an empty directory.
  std::string script = "r=./current/" + std::string(kRunnerFile) + "\n" + std::string(kFunctions) +
                       std::string(kSum) + std::string(kDiscard) +
                       "for v in versions/.*.part; do [ -L \"$v\" ] || rmdir \"$v\" 2>/dev/null; done\n";
  uint64_t bytes = 0;
  for (const OwnedVersion& version : versions) {
    script += "discard " + quotedArguments(version) + "\n";
    if (!version.isPart())
      bytes += version.manifest.model.sizeBytes + version.manifest.runner.sizeBytes;
  }
  std::istringstream lines(
      lock.runLong(script + "exit 0", "remove older versions from '" + lock.directory() + "'", bytes, {}));
  std::vector<std::string> kept;
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("@@kept="))
      kept.push_back(base::foreignText(std::string_view(line).substr(line.find('=') + 1)));
  return kept;
}

std::vector<OwnedVersion> outdated(const Layout& layout, const std::string& current,
                                   const std::string& previous) {
  std::vector<OwnedVersion> versions;
  for (const OwnedVersion& version : layout.ours)
    if (version.name != current && version.name != previous)
      versions.push_back(version);
  return versions;
}

} // namespace nibblesmith::devices
