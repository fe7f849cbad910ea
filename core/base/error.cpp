// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

#include "base/foreign_text.hpp"

#include <cerrno>
#include <system_error>

namespace nibblesmith::base {

std::string_view toString(ErrorCode code) {
  switch (code) {
  case ErrorCode::InvalidArgument:
    return "invalid argument";
  case ErrorCode::NotFound:
    return "not found";
  case ErrorCode::Corrupt:
    return "corrupt";
  case ErrorCode::NotSupported:
    return "not supported";
  case ErrorCode::Io:
    return "input/output";
  case ErrorCode::OutOfMemory:
    return "out of memory";
  case ErrorCode::Numerical:
    return "numerical";
  }
  return "unknown";
}

Error::Error(ErrorCode code, std::string_view message)
    : std::runtime_error(messageText(message)), m_code(code) {}

void throwIfStopped(const std::stop_token& stop) {
  if (stop.stop_requested())
    throw Cancelled();
}

void throwErrno(std::string_view action, std::string_view path) {
  const int number = errno;
  const ErrorCode code = number == ENOENT ? ErrorCode::NotFound : ErrorCode::Io;
  throw Error(code, "cannot " + std::string(action) + " '" + std::string(path) +
                        "': " + std::generic_category().message(number));
}

} // namespace nibblesmith::base
