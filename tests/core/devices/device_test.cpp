// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "devices/device.hpp"
#include "nib_test.hpp"
#include "processes.hpp"

#include <filesystem>
#include <fstream>

#include <QTemporaryDir>
#include <QtTest>

using namespace nibblesmith;
using devices::Device;
using devices::DeviceList;

class DeviceTest : public QObject {
  Q_OBJECT

private:
  QTemporaryDir m_directory;
  std::filesystem::path file() const {
    return std::filesystem::path(m_directory.path().toStdString()) / "devices.json";
  }
  void write(const std::string& text) const { std::ofstream(file(), std::ios::binary) << text; }
  static Device board() {
    Device device;
    device.name = "Pi 4";
    device.host = "pi.local";
    device.port = 2222;
    device.user = "nib";
    device.keyFile = "/keys/id pi";
    device.directory = "~/models";
    return device;
  }

private slots:
  void init() { std::filesystem::remove(file()); }

  void devicesComeBackFromTheFile() {
    DeviceList list(file());
    QVERIFY(list.devices().empty());
    list.put(board());
    Device second;
    second.name = "Jetson";
    second.host = "10.0.0.7";
    list.put(second);
    const DeviceList again(file());
    QCOMPARE(again.devices().size(), size_t{2});
    QVERIFY(again.device("Pi 4") == board());
    QVERIFY(again.device("Jetson") == second);
    QVERIFY(!(again.device("Jetson") == board()));
    QVERIFY(again.knownHostsFile() == file().parent_path() / "known_hosts");
  }

  void sameNameReplaces() {
    DeviceList list(file());
    list.put(board());
    Device changed = board();
    changed.host = "other.local";
    list.put(changed);
    QCOMPARE(DeviceList(file()).devices().size(), size_t{1});
    QCOMPARE(DeviceList(file()).device("Pi 4").host, std::string("other.local"));
    list.remove("Pi 4");
    QVERIFY(DeviceList(file()).devices().empty());
    QVERIFY_THROWS_EXCEPTION(base::Error, list.remove("Pi 4"));
  }

  void unknownNameTellsTheKnownOnes() {
    DeviceList list(file());
    list.put(board());
    try {
      list.device("Pi 5");
      QFAIL("expected an error");
    } catch (const base::Error& error) {
      QVERIFY(error.code() == base::ErrorCode::NotFound);
      QVERIFY(QString::fromUtf8(error.what()).contains(QStringLiteral("Pi 4")));
    }
  }

  void badFieldsAreRefusedByName_data() {
    QTest::addColumn<QString>("field");
    QTest::addColumn<Device>("device");
    const auto row = [](const char* field, void (*change)(Device&)) {
      Device device = board();
      change(device);
      QTest::newRow(field) << QString::fromLatin1(field) << device;
    };
    row("name", [](Device& d) { d.name.clear(); });
    row("host", [](Device& d) { d.host = "-oProxyCommand=x"; });
    row("port", [](Device& d) { d.port = 0; });
    row("user", [](Device& d) { d.user = "a\nb"; });
    row("keyFile", [](Device& d) { d.keyFile = std::string(2000, 'k'); });
    row("directory", [](Device& d) { d.directory.clear(); });
  }
  void badFieldsAreRefusedByName() {
    QFETCH(QString, field);
    QFETCH(Device, device);
    DeviceList list(file());
    list.put(board());
    try {
      list.put(device);
      QFAIL("expected an error");
    } catch (const base::Error& error) {
      QVERIFY(error.code() == base::ErrorCode::InvalidArgument);
      QVERIFY2(QString::fromUtf8(error.what()).contains(QLatin1Char('\'') + field + QLatin1Char('\'')),
               error.what());
    }
    QCOMPARE(list.devices().size(), size_t{1});
    QVERIFY(DeviceList(file()).device("Pi 4") == board());
  }

  void hostileFilesAreRefused_data() {
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("complaint");
    QTest::newRow("empty") << QByteArray() << QByteArray("JSON");
    QTest::newRow("cut") << QByteArray("{\"schema\": 1, \"dev") << QByteArray("JSON");
    QTest::newRow("list") << QByteArray("[1]") << QByteArray("schema");
    QTest::newRow("future") << QByteArray(R"({"schema": 9, "devices": []})")
                            << QByteArray("expected 1, found 9");
    QTest::newRow("no list") << QByteArray(R"({"schema": 1, "devices": {}})") << QByteArray("devices");
    QTest::newRow("no host") << QByteArray(R"({"schema": 1, "devices": [{"name": "a"}]})")
                             << QByteArray("'host'");
    QTest::newRow("port") << QByteArray(
                                 R"({"schema": 1, "devices": [{"name": "a", "host": "b", "port": 70000}]})")
                          << QByteArray("70000");
    QTest::newRow("huge port")
        << QByteArray(R"({"schema": 1, "devices": [{"name": "a", "host": "b", "port": 1e300}]})")
        << QByteArray("'port'");
    QTest::newRow("twice")
        << QByteArray(R"({"schema": 1, "devices": [{"name": "a", "host": "b"}, {"name": "a", "host": "c"}]})")
        << QByteArray("unique");
    QTest::newRow("deep") << QByteArray(100000, '[') << QByteArray("nested");
  }
  void hostileFilesAreRefused() {
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, complaint);
    write(text.toStdString());
    try {
      const DeviceList list(file());
      QFAIL("expected an error");
    } catch (const base::Error& error) {
      const QByteArray what(error.what());
      QVERIFY2(what.contains(file().c_str()), what.constData());
      QVERIFY2(what.contains(complaint), what.constData());
    }
    // Reading the file never overwrites it.
    QCOMPARE(std::filesystem::file_size(file()), static_cast<uintmax_t>(text.size()));
  }

  void changesNameTheDevice() {
    DeviceList list(file());
    list.change({}, board());
    Device second = board();
    second.name = "Pi 5";
    list.change({}, second);
    QVERIFY_THROWS_EXCEPTION(base::Error, list.change({}, second));
    second.name = "Pi 4";
    QVERIFY_THROWS_EXCEPTION(base::Error, list.change("Pi 5", second));
    second.name = "Pi 500";
    list.change("Pi 5", second);
    QVERIFY_THROWS_EXCEPTION(base::Error, list.change("Pi 5", second));
    QCOMPARE(DeviceList(file()).devices().size(), size_t{2});
    QVERIFY(DeviceList(file()).device("Pi 500") == second);
  }

  /// Each process has read the list before any of them writes it.
  void twelveAtOnceAreAllKept() {
    std::vector<pid_t> children;
    for (int i = 0; i < 12; ++i) {
      DeviceList list(file());
      children.push_back(test::inChild([&] {
        Device device = board();
        device.name = "board " + std::to_string(i);
        list.put(device);
      }));
    }
    for (const pid_t child : children)
      QCOMPARE(test::statusOf(child), 0);
    QCOMPARE(DeviceList(file()).devices().size(), size_t{12});
  }

  void failedSaveKeepsTheListInMemory() {
    const std::filesystem::path blocked = "/proc/nibblesmith/devices.json";
    DeviceList list(blocked);
    QVERIFY_THROWS_EXCEPTION(base::Error, list.put(board()));
    QVERIFY(list.devices().empty());
  }
};

NIB_TEST(DeviceTest)
#include "device_test.moc"
