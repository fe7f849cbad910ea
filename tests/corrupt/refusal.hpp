// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace nibblesmith::test {

/// Code and message of a base::Error that rejects a file.
struct Refusal {
  base::ErrorCode code;
  std::string message;
};

/// Runs the call and returns its base::Error; empty if there is none. Other exceptions propagate and fail the
/// test.
inline std::optional<Refusal> refusalOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const base::Error& error) {
    return Refusal{error.code(), error.what()};
  }
  return std::nullopt;
}

/// Returns an empty text if the error has the code and its message contains all `words`, otherwise a
/// description.
inline std::string check(const std::optional<Refusal>& refusal, base::ErrorCode code,
                         const std::vector<std::string>& words) {
  if (!refusal)
    return "was accepted";
  std::string wrong;
  if (refusal->code != code)
    wrong = "code " + std::string(base::toString(refusal->code)) + " instead of " +
            std::string(base::toString(code));
  for (const std::string& word : words)
    if (refusal->message.find(word) == std::string::npos)
      wrong += " does not say '" + word + "'";
  if (refusal->message.size() > 1000)
    wrong += " is too long";
  return wrong.empty() ? wrong : wrong + ": " + refusal->message;
}

} // namespace nibblesmith::test
