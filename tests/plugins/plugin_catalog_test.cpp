// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/thread_pool.hpp"
#include "host/plugin_catalog.hpp"
#include "nib_test.hpp"
#include "test_data.hpp"

#include <QTemporaryDir>
#include <QTest>

#include <fstream>

using namespace nibblesmith;
namespace fs = std::filesystem;

namespace {

fs::path fixtures() { return test::builtFile("tests/plugins/fixtures"); }

std::string readBytes(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Copies one fixture into a directory.
fs::path copied(const QTemporaryDir& directory, const std::string& fixture) {
  const fs::path target = fs::path(directory.path().toStdString()) / (fixture + ".so");
  fs::copy_file(fixtures() / (fixture + ".so"), target);
  return target;
}

plugins::PluginCatalog catalogOf(const QTemporaryDir& directory) {
  return plugins::PluginCatalog({directory.path().toStdString()});
}

} // namespace

class PluginCatalogTest : public QObject {
  Q_OBJECT
private slots:
  void loadsTheBuiltPlugins();
  void roundsThroughAPlugin();
  void brokenPluginsAreListed_data();
  void brokenPluginsAreListed();
  void brokenFilesAreListed();
  void theFirstOfTwoIsTaken();
  void unknownMethodsAndParametersAreNamed();
  void environmentNamesDirectories();
};

void PluginCatalogTest::loadsTheBuiltPlugins() {
  const plugins::PluginCatalog catalog({test::builtFile("plugins"), "/does/not/exist"});
  std::vector<std::string> names;
  for (const auto& method : catalog.methods())
    names.push_back(method.name);
  QVERIFY(std::find(names.begin(), names.end(), "rtn") != names.end());
  QVERIFY(std::find(names.begin(), names.end(), "gptq") != names.end());
  for (const auto& plugin : catalog.plugins())
    QVERIFY2(plugin.error.empty(), plugin.error.c_str());
}

void PluginCatalogTest::roundsThroughAPlugin() {
  const plugins::PluginCatalog catalog({test::builtFile("plugins")});
  base::ThreadPool pool(2);
  const tensor::Matrix W = tensor::Matrix::Random(20, 64);
  const tensor::Matrix H = 2.0f * tensor::Matrix::Identity(64, 64);
  const auto grid = quantization::makeGrid("affine", {{"groupSize", 32}});
  const auto nearest =
      catalog.makeRounding("rtn", base::Json::object())->round({"w", W, nullptr, *grid}, pool, {});
  const auto description = catalog.find(quantization::MethodKind::Rounding, "gptq");
  const auto gptq =
      catalog.makeRounding("gptq", quantization::completeParameters(description, {{"actOrder", "none"}}));
  QVERIFY(gptq->needsHessian());
  const auto rounded = gptq->round({"w", W, &H, *grid}, pool, {});
  // With uncorrelated inputs there is no error to compensate: GPTQ equals rounding to nearest.
  QCOMPARE(rounded.tensor.codes, nearest.tensor.codes);
  const tensor::Matrix correlated = H + tensor::Matrix::Constant(64, 64, 1.5f);
  QVERIFY(gptq->round({"w", W, &correlated, *grid}, pool, {}).tensor.codes != nearest.tensor.codes);
  // Errors and cancellations keep their type across the library boundary.
  tensor::Matrix broken = W;
  broken(0, 0) = std::numeric_limits<float>::quiet_NaN();
  QVERIFY_THROWS_EXCEPTION(base::Error, gptq->round({"w", broken, &H, *grid}, pool, {}));
  std::stop_source source;
  source.request_stop();
  QVERIFY_THROWS_EXCEPTION(base::Cancelled, gptq->round({"w", W, &H, *grid}, pool, source.get_token()));
}

void PluginCatalogTest::brokenPluginsAreListed_data() {
  QTest::addColumn<QString>("fixture");
  QTest::addColumn<QString>("expected");
  QTest::newRow("another ABI") << "wrong_abi"
                               << "nibblesmith-quantizer-0";
  QTest::newRow("another interface") << "wrong_interface"
                                     << "org.example.Other/1";
  QTest::newRow("a default out of range") << "invalid_method"
                                          << "'strength': 'default'";
  QTest::newRow("throws") << "throwing"
                          << "nothing works today";
}

void PluginCatalogTest::brokenPluginsAreListed() {
  QFETCH(QString, fixture);
  QFETCH(QString, expected);
  QTemporaryDir directory;
  const fs::path file = copied(directory, fixture.toStdString());
  copied(directory, "good");
  const auto catalog = catalogOf(directory);
  QCOMPARE(catalog.methods().size(), size_t{1});
  QCOMPARE(catalog.plugins().size(), size_t{2});
  for (const auto& plugin : catalog.plugins()) {
    QCOMPARE(plugin.error.empty(), plugin.file != file);
    if (plugin.file == file) {
      QVERIFY2(QString::fromStdString(plugin.error).contains(expected), plugin.error.c_str());
      QVERIFY2(plugin.error.find(file.string()) != std::string::npos, plugin.error.c_str());
    }
  }
}

void PluginCatalogTest::brokenFilesAreListed() {
  const std::string good = readBytes(fixtures() / "good.so");
  std::vector<std::string> contents = {"", "not a library", good.substr(0, 40), good.substr(0, 64)};
  for (size_t length = 500; length < good.size(); length += good.size() / 40)
    contents.push_back(good.substr(0, length));
  std::string lying = good;
  lying.replace(32, 8, std::string(8, '\x7f')); // e_phoff far outside the file
  contents.push_back(lying);
  for (const std::string& content : contents) {
    QTemporaryDir directory;
    std::ofstream(fs::path(directory.path().toStdString()) / "broken.so", std::ios::binary) << content;
    const auto catalog = catalogOf(directory);
    QCOMPARE(catalog.plugins().size(), size_t{1});
    QVERIFY(catalog.methods().empty());
    QVERIFY(!catalog.plugins().front().error.empty());
  }
}

void PluginCatalogTest::theFirstOfTwoIsTaken() {
  QTemporaryDir directory;
  copied(directory, "good");
  const fs::path second = fs::path(directory.path().toStdString()) / "later.so";
  fs::copy_file(fixtures() / "duplicate.so", second);
  const auto catalog = catalogOf(directory);
  QCOMPARE(catalog.methods().size(), size_t{1});
  QCOMPARE(catalog.plugins().size(), size_t{2});
  QVERIFY(catalog.plugins()[0].error.empty());
  QVERIFY2(catalog.plugins()[1].error.find("already provided") != std::string::npos,
           catalog.plugins()[1].error.c_str());
}

void PluginCatalogTest::unknownMethodsAndParametersAreNamed() {
  QTemporaryDir directory;
  copied(directory, "good");
  const auto catalog = catalogOf(directory);
  const auto messageOf = [&](const std::string& use, const base::Json& parameters) -> std::string {
    try {
      const auto description = catalog.find(quantization::MethodKind::Rounding, use);
      catalog.makeRounding(use, quantization::completeParameters(description, parameters));
    } catch (const std::exception& error) {
      return error.what();
    }
    return "no error";
  };
  QCOMPARE(messageOf("awq", base::Json::object()),
           std::string("recipe: 'rounding': expected good, found \"awq\""));
  QVERIFY(messageOf("good", {{"strength", 10}}).find("'strength'") != std::string::npos);
  QVERIFY(messageOf("good", {{"colour", 1}}).find("'colour'") != std::string::npos);
  // The plugin gets complete parameters.
  QCOMPARE(messageOf("good", base::Json::object()), std::string("strength 3"));
  QVERIFY(plugins::PluginCatalog({}).methods().empty());
}

void PluginCatalogTest::environmentNamesDirectories() {
  qputenv("NIBBLESMITH_PLUGINS", "/a/b::/c");
  QCOMPARE(plugins::PluginCatalog::installedDirectories(), (std::vector<fs::path>{"/a/b", "/c"}));
  qunsetenv("NIBBLESMITH_PLUGINS");
  const auto beside = plugins::PluginCatalog::installedDirectories();
  QVERIFY(beside.size() >= 2);
  const fs::path prefix = fs::read_symlink("/proc/self/exe").parent_path().parent_path();
  QCOMPARE(beside.front(), prefix / "plugins");
}

NIB_TEST(PluginCatalogTest)
#include "plugin_catalog_test.moc"
