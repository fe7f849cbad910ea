// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace nibblesmith::workflow {

/// Runs a program without a shell and returns its standard output; onErrorLine gets standard error line by
/// line. A stop ends it by SIGTERM, then SIGKILL, and throws base::Cancelled. Throws base::Error{Io} where it
/// cannot be started, crashes, or ends with another status than 0: with its last words.
std::string runProcess(const std::vector<std::string>& command,
                       const std::function<void(std::string_view line)>& onErrorLine,
                       const std::stop_token& stop);

} // namespace nibblesmith::workflow
