// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "devices/ssh_session.hpp"

namespace nibblesmith::devices {

/// Runs a POSIX shell script, independent of the user's login shell. The result contains only the output of
/// the script, not what the login shell printed before it.
CommandResult runScript(SshSession& session, const std::string& script, const std::stop_token& stop,
                        const std::function<void(std::string_view)>& onErrors = {},
                        CommandLimits limits = {});

/// Runs a script like runScript() and returns its output. limit: 0 for the session's limit. Throws
/// base::Error{Io}: "cannot <action> on the device: <last words>".
std::string runScriptOrThrow(SshSession& session, const std::string& script, const std::string& action,
                             const std::stop_token& stop,
                             std::chrono::milliseconds limit = std::chrono::milliseconds(0));

/// Returns the last line that is not blank, shortened and escaped, for error messages.
std::string lastLine(const std::string& text);

/// Converts a directory entered by the user to a form that works in commands and over SFTP: relative to the
/// home directory, without "~/", never mistaken for an option. Throws base::Error{InvalidArgument}.
std::string remoteDirectory(const std::string& directory);

} // namespace nibblesmith::devices
