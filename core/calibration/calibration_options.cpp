// SPDX-License-Identifier: Apache-2.0
#include "calibration/calibration_options.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <array>

namespace nibblesmith::calibration {

namespace {

// Names in the order of the enum values.
constexpr std::array<std::string_view, 3> kSamplings = {"random", "first", "diverse"};
constexpr std::array<std::string_view, 2> kPackings = {"sequence", "none"};
constexpr std::array<std::string_view, 3> kChatTemplateUses = {"chats", "all", "none"};
constexpr size_t kShownLength = 80;

[[noreturn]] void refuse(const std::string& origin, const std::string& field, const std::string& expected,
                         const std::string& found) {
  throw base::Error(base::ErrorCode::InvalidArgument,
                    origin + ": '" + field + "': expected " + expected + ", found " + found);
}

template <typename Enum, size_t N>
std::string_view nameOf(const std::array<std::string_view, N>& names, Enum value) {
  return names[static_cast<size_t>(value)];
}

template <typename Enum, size_t N>
Enum valueOf(const std::array<std::string_view, N>& names, std::string_view name, const char* field,
             const std::string& origin) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end())
    return static_cast<Enum>(found - names.begin());
  std::string known;
  for (const std::string_view one : names)
    known += (known.empty() ? "\"" : ", \"") + std::string(one) + "\"";
  refuse(origin, field, "one of " + known, "\"" + std::string(name.substr(0, kShownLength)) + "\"");
}

} // namespace

void checkOptions(const CalibrationOptions& options) {
  if (options.samples < 1 || options.samples > 1'000'000)
    refuse("calibration", "samples", "1 to 1000000", std::to_string(options.samples));
  if (options.length < 2 || options.length > 1'000'000)
    refuse("calibration", "length", "2 to 1000000 tokens", std::to_string(options.length));
}

std::string_view toString(Sampling value) { return nameOf(kSamplings, value); }
std::string_view toString(Packing value) { return nameOf(kPackings, value); }
std::string_view toString(ChatTemplateUse value) { return nameOf(kChatTemplateUses, value); }

Sampling samplingFrom(std::string_view name, const std::string& origin) {
  return valueOf<Sampling>(kSamplings, name, "sampling", origin);
}

Packing packingFrom(std::string_view name, const std::string& origin) {
  return valueOf<Packing>(kPackings, name, "packing", origin);
}

ChatTemplateUse chatTemplateUseFrom(std::string_view name, const std::string& origin) {
  return valueOf<ChatTemplateUse>(kChatTemplateUses, name, "chatTemplate", origin);
}

} // namespace nibblesmith::calibration
