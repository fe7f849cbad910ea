// SPDX-License-Identifier: Apache-2.0
#include "devices/deployment.hpp"

#include "base/foreign_text.hpp"
#include "devices/remote_shell.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <sstream>

namespace nibblesmith::devices {

namespace {

/// Prints whole files between marks and leaves the parsing to this program, since the device may lack awk,
/// sed and Python. The directory may not exist yet; its nearest existing parent is on the same file system.
constexpr std::string_view kScript = R"(
echo '@@machine'; uname -m
echo '@@kernel'; uname -sr
echo '@@online'; getconf _NPROCESSORS_ONLN 2>/dev/null
echo '@@cpuinfo'; cat /proc/cpuinfo 2>/dev/null
echo '@@meminfo'; cat /proc/meminfo 2>/dev/null
echo '@@board'; cat /proc/device-tree/model 2>/dev/null | tr -d '\000'; echo
echo '@@governor'; cat /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor 2>/dev/null
while [ ! -d "$d" ]; do n=$(dirname "$d"); [ "$n" = "$d" ] && break; d=$n; done
echo '@@disk'; df -Pk "$d" 2>/dev/null
echo '@@end'
)";

using Sections = std::map<std::string, std::vector<std::string>>;

Sections readSections(const std::string& output) {
  Sections sections;
  std::vector<std::string>* current = nullptr;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("@@"))
      current = &sections[line.substr(2)];
    else if (current && !line.empty())
      current->push_back(line);
  }
  return sections;
}

const std::vector<std::string>& linesOf(const Sections& sections, const std::string& name) {
  static const std::vector<std::string> kNone;
  const auto found = sections.find(name);
  return found == sections.end() ? kNone : found->second;
}

std::string firstLine(const Sections& sections, const std::string& name) {
  const std::vector<std::string>& lines = linesOf(sections, name);
  return lines.empty() ? std::string() : base::foreignText(lines.front());
}

template <typename T>
std::optional<T> number(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  T value{};
  if (begin == std::string_view::npos ||
      std::from_chars(text.data() + begin, text.data() + text.size(), value).ec != std::errc())
    return std::nullopt;
  return value;
}

/// Returns the value of the first "key : value" line.
std::string field(const std::vector<std::string>& lines, std::string_view key) {
  for (const std::string& line : lines) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || !line.starts_with(key))
      continue;
    if (line.find_first_not_of(" \t", key.size()) != colon)
      continue;
    const size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? std::string()
                                      : base::foreignText(std::string_view(line).substr(begin));
  }
  return {};
}

/// Returns the name of an Arm core for the part number in MIDR_EL1 (Arm's Technical Reference Manuals).
std::string_view armCore(const std::string& part) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 17> kCores{{
      {"0xd03", "Cortex-A53"},
      {"0xd04", "Cortex-A35"},
      {"0xd05", "Cortex-A55"},
      {"0xd07", "Cortex-A57"},
      {"0xd08", "Cortex-A72"},
      {"0xd09", "Cortex-A73"},
      {"0xd0a", "Cortex-A75"},
      {"0xd0b", "Cortex-A76"},
      {"0xd0c", "Neoverse-N1"},
      {"0xd0d", "Cortex-A77"},
      {"0xd40", "Neoverse-V1"},
      {"0xd41", "Cortex-A78"},
      {"0xd42", "Cortex-A78AE"},
      {"0xd46", "Cortex-A510"},
      {"0xd47", "Cortex-A710"},
      {"0xd49", "Neoverse-N2"},
      {"0xd4d", "Cortex-A715"},
  }};
  for (const auto& [number, name] : kCores)
    if (part == number)
      return name;
  return {};
}

std::string cpuName(const std::vector<std::string>& cpuInfo, const std::string& board) {
  if (const std::string name = field(cpuInfo, "model name"); !name.empty())
    return base::foreignText(name);
  std::string core;
  const std::string part = field(cpuInfo, "CPU part");
  if (field(cpuInfo, "CPU implementer") == "0x41")
    core = armCore(part);
  if (core.empty() && !part.empty())
    core = "CPU part " + base::foreignText(part);
  if (board.empty())
    return core;
  return core.empty() ? board : board + ", " + core;
}

/// Returns the fourth column of df's last line, which is "filesystem blocks used available capacity mount".
uint64_t availableBytes(const std::vector<std::string>& lines) {
  if (lines.size() < 2)
    return 0;
  std::istringstream columns(lines.back());
  std::string skipped;
  uint64_t kilobytes = 0;
  columns >> skipped >> skipped >> skipped >> kilobytes;
  return columns && kilobytes < UINT64_MAX / 1024 ? kilobytes * 1024 : 0;
}

} // namespace

Probe probe(SshSession& session, const std::string& directory, const std::stop_token& stop) {
  const std::string script = "d=" + shellQuote(remoteDirectory(directory)) + "\n" + std::string(kScript);
  const Sections sections = readSections(runScriptOrThrow(session, script, "ask for its properties", stop));
  Probe result;
  result.machine = firstLine(sections, "machine");
  if (!sections.contains("end") || result.machine.empty())
    throw base::Error(base::ErrorCode::Io,
                      "the device does not answer as a POSIX system: expected its properties, found nothing");
  result.kernel = firstLine(sections, "kernel");
  const auto& cpuInfo = linesOf(sections, "cpuinfo");
  result.cpu = cpuName(cpuInfo, firstLine(sections, "board"));
  const auto listed = std::count_if(cpuInfo.begin(), cpuInfo.end(),
                                    [](const std::string& line) { return line.starts_with("processor"); });
  result.cores = number<int>(firstLine(sections, "online")).value_or(static_cast<int>(listed));
  if (const auto kilobytes = number<uint64_t>(field(linesOf(sections, "meminfo"), "MemTotal"));
      kilobytes && *kilobytes < UINT64_MAX / 1024)
    result.memoryBytes = *kilobytes * 1024;
  result.governor = firstLine(sections, "governor");
  result.freeDiskBytes = availableBytes(linesOf(sections, "disk"));
  return result;
}

} // namespace nibblesmith::devices
