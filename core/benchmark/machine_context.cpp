// SPDX-License-Identifier: Apache-2.0
#include "benchmark/machine_context.hpp"

#include "base/input_file.hpp"
#include "base/path_status.hpp"
#include "runtime/kernels/dispatch.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <sstream>

#include <sys/utsname.h>
#include <unistd.h>

namespace nibblesmith::benchmark {
namespace {

using std::filesystem::path;

/// First line of a file without trailing white space (and the NUL of device-tree strings); empty if the file
/// does not exist.
std::string firstLine(const path& file) {
  std::string line = base::readSystemFile(file);
  line.resize(std::min(line.size(), line.find('\n')));
  while (!line.empty() && (line.back() == '\0' || std::isspace(static_cast<unsigned char>(line.back()))))
    line.pop_back();
  return line;
}

std::optional<double> number(const path& file) {
  std::istringstream text(firstLine(file));
  double value = 0;
  return text >> value ? std::optional(value) : std::nullopt;
}

/// Value of the first "key : value" (or key=value) line with one of these keys.
std::string field(const path& file, std::initializer_list<std::string_view> keys, char separator) {
  std::istringstream stream(base::readSystemFile(file));
  for (std::string line; std::getline(stream, line);) {
    const size_t at = line.find(separator);
    if (at == std::string::npos)
      continue;
    const std::string_view key =
        std::string_view(line).substr(0, line.find_last_not_of(" \t", at == 0 ? 0 : at - 1) + 1);
    if (std::find(keys.begin(), keys.end(), key) == keys.end())
      continue;
    const size_t begin = line.find_first_not_of(" \t\"", at + 1);
    const size_t end = line.find_last_not_of(" \t\"");
    return begin == std::string::npos ? std::string() : line.substr(begin, end - begin + 1);
  }
  return {};
}

void setText(base::Json& json, const char* key, const std::string& value) {
  if (!value.empty())
    json[key] = value;
}

/// Instruction sets that the kernels use, under their names in /proc/cpuinfo.
base::Json instructionSets(const SystemPaths& paths) {
  static constexpr std::array<std::string_view, 22> kKnown{
      "sse4_2",   "avx",         "avx2",     "fma",         "f16c",     "avx512f",  "avx512bw", "avx512vl",
      "avx512dq", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "amx_bf16", "asimd",    "asimdhp",
      "asimddp",  "fphp",        "i8mm",     "bf16",        "sve",      "sve2"};
  std::istringstream flags(field(paths.proc / "cpuinfo", {"flags", "Features"}, ':'));
  std::set<std::string> present;
  for (std::string flag; flags >> flag;)
    present.insert(flag);
  base::Json sets = base::Json::array();
  for (const std::string_view known : kKnown)
    if (present.contains(std::string(known)))
      sets.push_back(known);
  return sets;
}

/// Temperature of the hottest thermal zone in degrees Celsius.
std::optional<double> temperature(const SystemPaths& paths) {
  std::optional<double> hottest;
  for (const auto& zone : base::readableEntries(paths.sys / "class/thermal")) {
    if (!zone.filename().string().starts_with("thermal_zone"))
      continue;
    // A disabled sensor gives an error or a value far below freezing.
    const std::optional<double> milli = number(zone / "temp");
    if (milli && *milli > -40000 && *milli < 200000)
      hottest = std::max(hottest.value_or(-1000.0), std::round(*milli / 100) / 10);
  }
  return hottest;
}

/// Text that changes when throttling occurs: the counters of x86 cores, and the firmware flags of a Raspberry
/// Pi, whose low bits report current throttling. Empty if neither exists.
std::string throttleState(const SystemPaths& paths) {
  std::string state;
  for (const path& cpu : base::readableEntries(paths.sys / "devices/system/cpu"))
    for (const char* counter : {"core_throttle_count", "package_throttle_count"})
      if (const std::string count = firstLine(cpu / "thermal_throttle" / counter); !count.empty())
        state += count + ' ';
  return state + firstLine(paths.sys / "devices/platform/soc/soc:firmware/get_throttled");
}

bool throttledNow(const SystemPaths& paths) {
  std::istringstream text(firstLine(paths.sys / "devices/platform/soc/soc:firmware/get_throttled"));
  unsigned flags = 0;
  constexpr unsigned kCappedOrThrottled = 0x2 | 0x4 | 0x8;
  return text >> std::hex >> flags && (flags & kCappedOrThrottled) != 0;
}

base::Json build() {
  base::Json json = {{"type", NIB_BUILD_TYPE}};
#if defined(__clang__)
  json["compiler"] = "Clang " __clang_version__;
#elif defined(__GNUC__)
  json["compiler"] = "GCC " __VERSION__;
#endif
  return json;
}

} // namespace

MachineContext::MachineContext(int threads, SystemPaths paths) : m_paths(std::move(paths)) {
  const path cpu0 = m_paths.sys / "devices/system/cpu/cpu0/cpufreq";
  m_json = {{"kernels", runtime::kernels::best().name},
            {"isa", instructionSets(m_paths)},
            {"cores", ::sysconf(_SC_NPROCESSORS_ONLN)},
            {"threads", threads},
            {"version", NIB_VERSION},
            {"build", build()}};
  setText(m_json, "cpu", field(m_paths.proc / "cpuinfo", {"model name", "Hardware"}, ':'));
  setText(m_json, "board", firstLine(m_paths.sys / "firmware/devicetree/base/model"));
  setText(m_json, "os", field(m_paths.etc / "os-release", {"PRETTY_NAME"}, '='));
  setText(m_json, "governor", firstLine(cpu0 / "scaling_governor"));
  utsname names{};
  if (::uname(&names) == 0) {
    m_json["kernel"] = names.release;
    m_json["architecture"] = names.machine;
  }
  std::istringstream memory(field(m_paths.proc / "meminfo", {"MemTotal"}, ':'));
  if (uint64_t kibibytes = 0; memory >> kibibytes)
    m_json["memoryBytes"] = kibibytes * 1024;
  if (const auto load = number(m_paths.proc / "loadavg"))
    m_json["loadAverage"] = *load;
  if (const auto before = temperature(m_paths))
    m_json["temperatureBeforeC"] = *before;
  m_throttleBefore = throttleState(m_paths);
}

base::Json MachineContext::finish() const {
  base::Json json = m_json;
  if (const auto after = temperature(m_paths))
    json["temperatureC"] = *after;
  if (const auto kilohertz = number(m_paths.sys / "devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"))
    json["frequencyMHz"] = std::round(*kilohertz / 1000);
  if (!m_throttleBefore.empty())
    json["throttled"] = throttledNow(m_paths) || throttleState(m_paths) != m_throttleBefore;
  return json;
}

uint64_t peakRssBytes(const SystemPaths& paths) {
  std::istringstream text(field(paths.proc / "self/status", {"VmHWM"}, ':'));
  uint64_t kibibytes = 0;
  return text >> kibibytes ? kibibytes * 1024 : 0;
}

} // namespace nibblesmith::benchmark
