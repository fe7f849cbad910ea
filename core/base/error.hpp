// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>

namespace nibblesmith::base {

/// Kind of an error. The values are stored in the experiment log: never renumber.
enum class ErrorCode {
  InvalidArgument = 1,
  NotFound = 2,
  Corrupt = 3,
  NotSupported = 4,
  Io = 5,
  OutOfMemory = 6,
  Numerical = 7,
};

std::string_view toString(ErrorCode code);

/// Only exception type for errors in this project. The message names the file, tensor or field, the expected
/// and the actual value. It passes through messageText(), because it may contain untrusted names.
class Error : public std::runtime_error {
public:
  Error(ErrorCode code, std::string_view message);
  ErrorCode code() const { return m_code; }

private:
  ErrorCode m_code;
};

/// Exception for a requested stop. Not an Error: a cancelled job did not fail.
class Cancelled : public std::exception {
public:
  const char* what() const noexcept override { return "cancelled"; }
};

/// Throws Cancelled if a stop was requested.
void throwIfStopped(const std::stop_token& stop);

/// Throws Error{Io} with the text of errno: "cannot <action> '<path>': <reason>".
[[noreturn]] void throwErrno(std::string_view action, std::string_view path);

} // namespace nibblesmith::base
