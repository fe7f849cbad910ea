// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QObject>

#include <filesystem>
#include <string>

namespace nibblesmith::test {

/// Adds a test class to the program's list. name: selects it on the command line.
void registerTest(std::string name, QObject* (*make)());

template <typename Class>
struct RegisteredTest {
  explicit RegisteredTest(const char* file) {
    registerTest(std::filesystem::path(file).stem().string(), []() -> QObject* { return new Class; });
  }
};

} // namespace nibblesmith::test

/// Registers the test class of a source file under the file's name without extension: "hash_test".
#define NIB_TEST(Class) static const nibblesmith::test::RegisteredTest<Class> s_registeredTest(__FILE__);
