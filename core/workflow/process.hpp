// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace nibblesmith::workflow {

/// Runs a program without a shell and returns its standard output; onErrorLine receives standard error line
/// by line. A stop request ends the program by SIGTERM, then SIGKILL, and throws base::Cancelled. Throws
/// base::Error{Io} with the program's last output if it cannot be started, crashes, or exits with a status
/// other than 0.
std::string runProcess(const std::vector<std::string>& command,
                       const std::function<void(std::string_view line)>& onErrorLine,
                       const std::stop_token& stop);

} // namespace nibblesmith::workflow
