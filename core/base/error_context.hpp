// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.hpp"

#include <string>

namespace nibblesmith::base {

/// Returns the result of `call`. Puts "<context>: " before the message of an Error that it throws; the code
/// stays.
template <typename Call>
auto inContext(const std::string& context, Call&& call) -> decltype(call()) {
  try {
    return call();
  } catch (const Error& error) {
    throw Error(error.code(), context + ": " + error.what());
  }
}

} // namespace nibblesmith::base
