// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace nibblesmith::test {

/// What a call that has to be refused said.
struct Refusal {
  base::ErrorCode code;
  std::string message;
};

/// Runs the call; empty where it was not refused. Anything but base::Error goes through and fails the test.
inline std::optional<Refusal> refusalOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const base::Error& error) {
    return Refusal{error.code(), error.what()};
  }
  return std::nullopt;
}

/// Empty where the refusal has the code and names all of `words`; else what is wrong.
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
