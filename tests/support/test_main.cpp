// SPDX-License-Identifier: Apache-2.0
#include "nib_test.hpp"

#include <QtTest>

#include <cstdio>
#include <map>
#include <memory>

#ifdef NIB_TEST_GUI
#include <QApplication>
using Application = QApplication;
#else
using Application = QCoreApplication;
#endif

namespace nibblesmith::test {
namespace {

/// Returns the test classes by name. A static local, since test files register before main() in any order.
std::map<std::string, QObject* (*)()>& tests() {
  static std::map<std::string, QObject* (*)()> all;
  return all;
}

int run(QObject* (*make)(), const QStringList& arguments) {
  const std::unique_ptr<QObject> test(make());
  return QTest::qExec(test.get(), arguments);
}

int runAll(const QStringList& arguments) {
  int failures = 0;
  for (const auto& [name, make] : tests())
    failures += run(make, arguments);
  return failures;
}

} // namespace

void registerTest(std::string name, QObject* (*make)()) { tests().emplace(std::move(name), make); }

} // namespace nibblesmith::test

/// Runs the test class named by the first argument, or all of them without a name. Further arguments go to Qt
/// Test.
int main(int argc, char** argv) {
  using namespace nibblesmith::test;
  Application::setAttribute(Qt::AA_Use96Dpi, true);
  const Application application(argc, argv);
  QStringList arguments = Application::arguments();
  if (arguments.size() < 2 || arguments[1].startsWith(QLatin1Char('-')))
    return runAll(arguments);
  const std::string name = arguments.takeAt(1).toStdString();
  const auto found = tests().find(name);
  if (found == tests().end()) {
    std::fprintf(stderr, "No test class '%s' here; found:\n", name.c_str());
    for (const auto& [known, make] : tests())
      std::fprintf(stderr, "  %s\n", known.c_str());
    return 2;
  }
  return run(found->second, arguments);
}
