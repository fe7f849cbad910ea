// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "test_data.hpp"

#include <QProcess>
#include <QStringList>
#include <QTemporaryDir>

namespace nibblesmith::test {

struct NsmithResult {
  int exitCode = -1;
  QByteArray output;
  QByteArray errors;
  base::Json json() const {
    return base::parseJson({output.constData(), static_cast<size_t>(output.size())}, "nsmith");
  }
};

inline QString nsmithProgram() { return QString::fromStdString(builtFile("bin/nsmith").string()); }

/// Runs the headless program as a user would, with a separate experiment log.
inline NsmithResult runNsmith(const QTemporaryDir& folder, QStringList arguments) {
  arguments << QStringLiteral("--log") << folder.filePath(QStringLiteral("log.db"))
            << QStringLiteral("--quiet");
  QProcess process;
  process.start(nsmithProgram(), arguments);
  process.waitForFinished(600'000);
  NsmithResult result;
  result.exitCode = process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1;
  result.output = process.readAllStandardOutput();
  result.errors = process.readAllStandardError();
  return result;
}

} // namespace nibblesmith::test
