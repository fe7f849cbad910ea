// SPDX-License-Identifier: Apache-2.0
#include "base/process_identity.hpp"

#include "base/input_file.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <sstream>

#include <unistd.h>

namespace nibblesmith::base {
namespace {

std::string hostName() {
  std::array<char, 256> name{};
  // The last byte stays 0: POSIX does not guarantee a terminator for a truncated name.
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string();
}

std::string bootId() {
  std::string id = base::readSystemFile("/proc/sys/kernel/random/boot_id");
  id.resize(std::min(id.size(), id.find('\n')));
  return id;
}

/// Returns the start time of a process that exists and is not a zombie.
std::optional<int64_t> startTimeOf(int64_t pid) {
  const std::string line = base::readSystemFile("/proc/" + std::to_string(pid) + "/stat");
  // The second field is the program name in parentheses, which may itself contain parentheses.
  const size_t nameEnd = line.rfind(')');
  if (nameEnd == std::string::npos)
    return std::nullopt;
  std::istringstream fields(line.substr(nameEnd + 1));
  std::string state, skipped;
  fields >> state;
  constexpr int kFieldsBetweenStateAndStart = 18; // fields 4 to 21 of proc(5)
  for (int i = 0; i < kFieldsBetweenStateAndStart; ++i)
    fields >> skipped;
  int64_t ticks = 0;
  if (!(fields >> ticks) || state == "Z" || state == "X")
    return std::nullopt;
  return ticks;
}

} // namespace

ProcessIdentity thisProcess() {
  const auto pid = static_cast<int64_t>(::getpid());
  return {hostName(), bootId(), pid, startTimeOf(pid).value_or(0)};
}

bool hasEnded(const ProcessIdentity& process) {
  if (process.host != hostName())
    return false;
  return process.boot != bootId() || startTimeOf(process.pid) != process.startTime;
}

} // namespace nibblesmith::base
