// SPDX-License-Identifier: Apache-2.0
#include "devices/remote_shell.hpp"

#include "base/error_context.hpp"
#include "base/foreign_text.hpp"

namespace nibblesmith::devices {

namespace {

constexpr size_t kMaxLine = 300;

} // namespace

CommandResult runScript(SshSession& session, const std::string& script, const std::stop_token& stop,
                        const std::function<void(std::string_view)>& onErrors, CommandLimits limits) {
  const std::string mark = "@@nibblesmith-begin";
  CommandResult result =
      session.run("exec sh -c " + shellQuote("echo; echo " + mark + "\n" + script), stop, onErrors, limits);
  const std::string line = "\n" + mark + "\n";
  const size_t begin = result.output.find(line);
  if (begin != std::string::npos)
    result.output.erase(0, begin + line.size());
  else if (result.exitStatus == 0)
    throw base::Error(base::ErrorCode::Io,
                      session.where() +
                          ": the device did not run a script as a POSIX shell does: expected "
                          "its output, found '" +
                          lastLine(result.output) + "'");
  return result;
}

std::string runScriptOrThrow(SshSession& session, const std::string& script, const std::string& action,
                             const std::stop_token& stop, std::chrono::milliseconds limit) {
  CommandResult result = base::inContext("cannot " + action + " on the device", [&] {
    return runScript(session, script, stop, {}, {limit, {}});
  });
  if (result.exitStatus == 0)
    return std::move(result.output);
  std::string reason = lastLine(result.errors);
  if (reason.empty())
    reason = lastLine(result.output);
  throw base::Error(base::ErrorCode::Io,
                    "cannot " + action + " on the device: " + (reason.empty() ? "no reason given" : reason) +
                        " (exit status " + std::to_string(result.exitStatus) + ")");
}

std::string lastLine(const std::string& text) {
  const size_t end = text.find_last_not_of(" \t\r\n");
  if (end == std::string::npos)
    return {};
  const size_t begin = text.rfind('\n', end);
  const size_t first = begin == std::string::npos ? 0 : begin + 1;
  return base::foreignText(std::string_view(text).substr(first, end - first + 1), kMaxLine);
}

std::string remoteDirectory(const std::string& directory) {
  std::string path = directory == "~" ? "." : directory.starts_with("~/") ? directory.substr(2) : directory;
  while (path.size() > 1 && path.ends_with('/'))
    path.pop_back();
  if (path.empty() || path.find('\0') != std::string::npos || path.find('\n') != std::string::npos)
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "the directory on the device: expected a path, found '" + directory + "'");
  return path.starts_with('-') ? "./" + path : path;
}

} // namespace nibblesmith::devices
