// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "devices/ssh_session.hpp"

namespace nibblesmith::devices {

/// Runs a POSIX shell script, whatever the user's login shell is and prints before: the output is the
/// script's alone.
CommandResult runScript(SshSession& session, const std::string& script, const std::stop_token& stop,
                        const std::function<void(std::string_view)>& onErrors = {},
                        CommandLimits limits = {});

/// The same; returns what it printed. limit: 0 for the session's limit. Throws base::Error{Io}: "cannot
/// <action> on the device: <last words>".
std::string runScriptOrThrow(SshSession& session, const std::string& script, const std::string& action,
                             const std::stop_token& stop,
                             std::chrono::milliseconds limit = std::chrono::milliseconds(0));

/// The last line that says something, for error messages: bounded and escaped.
std::string lastLine(const std::string& text);

/// A directory as given by a person, usable in commands and over SFTP alike: relative to the home directory,
/// "~/" taken off, never mistaken for an option. Throws base::Error{InvalidArgument}.
std::string remoteDirectory(const std::string& directory);

} // namespace nibblesmith::devices
