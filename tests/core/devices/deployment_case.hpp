// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "devices/deployment.hpp"
#include "test_sshd.hpp"

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <QObject>

namespace nibblesmith::test {

/// Script in place of the runner: starts, computes checksums, and prints a benchmark file that the test puts
/// next to it.
inline constexpr const char* kBoardRunner = R"(#!/bin/sh
case $1 in
--version) echo 'nsmith-runner 1' ;;
sha256) /usr/bin/sha256sum "$2"; echo used > ~/runner-summed ;;
bench)
  echo "$@" > ~/bench-arguments
  [ -f model.gguf ] || exit 1
  echo 'progress 0.25 loading the model' >&2
  echo 'progress nonsense' >&2
  echo 'progress 0.75 measuring' >&2
  cat ~/bench.json || { echo 'no figures today' >&2; exit 1; } ;;
esac
)";

class Recorder final : public base::Progress {
public:
  void report(double fraction, std::string_view stage) override {
    fractions.push_back(fraction);
    if (stages.empty() || stages.back() != stage) {
      stages.emplace_back(stage);
      m_begins.push_back(fraction);
    }
    if (!stopAt.empty() && stage.find(stopAt) != std::string_view::npos && fraction > stopAbove)
      source.request_stop();
  }
  bool said(const std::string& text) const {
    return std::any_of(stages.begin(), stages.end(),
                       [&](const std::string& s) { return s.find(text) != std::string::npos; });
  }
  /// Returns the fraction of the first report whose stage contains the text; 0 if there is none.
  double firstFraction(const std::string& text) const {
    for (size_t i = 0; i < stages.size(); ++i)
      if (stages[i].find(text) != std::string::npos)
        return m_begins[i];
    return 0;
  }
  std::vector<double> fractions;
  std::vector<std::string> stages;
  std::string stopAt;
  double stopAbove = 0.3;
  std::stop_source source;

private:
  std::vector<double> m_begins;
};

inline std::string noise(size_t size, unsigned seed) {
  std::mt19937_64 random(seed);
  std::string text(size, '\0');
  for (char& c : text)
    c = static_cast<char>(random());
  return text;
}

/// Base of deployment tests: a board, a session with it, and models.
class DeploymentCase : public QObject {
protected:
  // Directory name that needs correct quoting in scripts.
  const std::string m_directory = "~/my models' place";
  std::unique_ptr<TestSshd> m_sshd;
  std::unique_ptr<devices::SshSession> m_session;
  std::filesystem::path m_runner;

  /// Starts the board. Returns the reason if there is none, otherwise an empty text.
  std::string startBoard(const devices::SessionLimits& limits = {}) {
    m_sshd = std::make_unique<TestSshd>("#!/bin/sh\necho 'Welcome to the board {1}'\nexec /bin/sh \"$@\"\n");
    if (!m_sshd->skipReason().empty())
      return m_sshd->skipReason();
    m_session = m_sshd->connect(limits);
    m_runner = m_sshd->root() / "nsmith-runner";
    writeText(m_runner, kBoardRunner, true);
    return {};
  }
  void stopBoard() {
    m_session.reset();
    m_sshd.reset();
  }

  std::filesystem::path remote() const { return m_sshd->home() / "my models' place"; }
  std::filesystem::path model(unsigned seed, size_t size = 2'000'000) const {
    const std::filesystem::path path = m_sshd->root() / ("model" + std::to_string(seed) + ".gguf");
    writeText(path, noise(size, seed));
    return path;
  }
  devices::DeploymentResult deploy(const std::filesystem::path& gguf) const {
    Recorder progress;
    return devices::deploy(*m_session, m_directory, gguf, m_runner, {}, progress);
  }
  std::string deployError(const std::filesystem::path& gguf) const {
    try {
      deploy(gguf);
    } catch (const base::Error& error) {
      return error.what();
    }
    return {};
  }
  std::string currentBytes() const { return readText(remote() / "current/model.gguf"); }
  std::set<std::string> versions() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(remote() / "versions"))
      names.insert(entry.path().filename().string());
    return names;
  }
  static std::string nameOf(const std::string& version) {
    return std::filesystem::path(version).filename().string();
  }
};

} // namespace nibblesmith::test
