// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace nibblesmith::base {

/// Receiver for the progress of one long call. Only one thread at a time may call report().
class Progress {
public:
  virtual ~Progress() = default;
  /// Reports progress. fraction: 0..1, never decreases within one call. stage: current work, as text for the
  /// user.
  virtual void report(double fraction, std::string_view stage) = 0;
};

/// Progress that ignores all reports.
class NoProgress final : public Progress {
public:
  void report(double, std::string_view) override {}
};

/// Maps the progress of a part onto [begin, end] of the whole. Adds "prefix: " to each stage.
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

/// Estimate of the remaining time from elapsed time and fraction; empty while there is too little data.
class TimeEstimate {
public:
  void start();
  double elapsedSeconds() const;
  std::optional<double> remainingSeconds(double fraction) const;

private:
  std::chrono::steady_clock::time_point m_begin = std::chrono::steady_clock::now();
};

} // namespace nibblesmith::base
