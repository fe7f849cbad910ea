// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file.hpp"
#include "base/json.hpp"
#include "nsmith_process.hpp"
#include "test_data.hpp"

#include <QProcess>
#include <QString>
#include <QTemporaryDir>

namespace nibblesmith::test {

/// Returns the path of a llama.cpp tool that packaging/peers.sh built in the cache.
inline std::filesystem::path llamaCppTool(const std::string& name) {
  return base::cacheDirectory() / "peers" / "llama.cpp" / "build" / "bin" / name;
}
inline std::filesystem::path peerPython() { return base::cacheDirectory() / "venv" / "bin" / "python"; }

/// Returns the GGUF file of SmolLM2-135M-Instruct; empty if it was not downloaded.
inline std::filesystem::path smolLm2() {
  const std::filesystem::path folder = base::cacheDirectory() / "peers" / "smollm2";
  std::error_code ignored;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, ignored))
    if (entry.path().extension() == ".gguf")
      return entry.path();
  return {};
}

struct ProcessResult {
  int exitCode = -1;
  QString output; ///< standard output and standard error
};

inline ProcessResult runPeer(const std::filesystem::path& program, const QStringList& arguments) {
  QProcess process;
  process.setProcessChannelMode(QProcess::MergedChannels);
  process.start(QString::fromStdString(program.string()), arguments);
  process.waitForFinished(3'000'000);
  return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1,
          QString::fromUtf8(process.readAll())};
}

inline QString text(const std::filesystem::path& path) { return QString::fromStdString(path.string()); }

/// Writes about `bytes` of a text file, cut at the end of a line.
inline void writeSlice(const std::filesystem::path& from, const std::filesystem::path& to, size_t bytes) {
  const std::string whole = base::readTextFile(from);
  const size_t end = whole.size() > bytes ? whole.find('\n', bytes) : std::string::npos;
  base::writeFileAtomically(to, std::string_view(whole).substr(0, end));
}

inline const char* kPeersAbsent = "the peers are not here: ./nib peers (packaging/peers.sh) fetches them";

} // namespace nibblesmith::test
