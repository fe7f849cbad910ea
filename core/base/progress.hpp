// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace nibblesmith::base {

/// Receives the progress of one long call. report() may be called from any one thread at a time.
class Progress {
public:
  virtual ~Progress() = default;
  /// fraction: 0..1, never falls within one call. stage: what is being done, in words.
  virtual void report(double fraction, std::string_view stage) = 0;
};

/// Swallows everything.
class NoProgress final : public Progress {
public:
  void report(double, std::string_view) override {}
};

/// Maps a part of a call onto [begin, end] of the whole, with "prefix: " before each stage.
class SubProgress final : public Progress {
public:
  SubProgress(Progress& parent, double begin, double end, std::string prefix = {});
  void report(double fraction, std::string_view stage) override;

private:
  Progress& m_parent;
  double m_begin;
  double m_end;
  std::string m_prefix;
};

/// Remaining time from elapsed time and fraction; nothing until there is something to go by.
class TimeEstimate {
public:
  void start();
  double elapsedSeconds() const;
  std::optional<double> remainingSeconds(double fraction) const;

private:
  std::chrono::steady_clock::time_point m_begin = std::chrono::steady_clock::now();
};

} // namespace nibblesmith::base
