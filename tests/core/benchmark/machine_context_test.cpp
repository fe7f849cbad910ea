// SPDX-License-Identifier: Apache-2.0
// Reads made-up system files, and those of this machine.
#include "benchmark/machine_context.hpp"
#include "nib_test.hpp"

#include <QTemporaryDir>
#include <QTest>

#include <fstream>

using namespace nibblesmith;
using benchmark::MachineContext;
using benchmark::SystemPaths;

namespace {

struct FakeMachine {
  QTemporaryDir directory;
  std::filesystem::path root = directory.path().toStdString();
  SystemPaths paths{root / "proc", root / "sys", root / "etc"};

  void write(const std::string& relative, const std::string& content) const {
    std::filesystem::create_directories((root / relative).parent_path());
    std::ofstream(root / relative, std::ios::binary) << content;
  }

  void describePi() const {
    write("proc/cpuinfo", "processor\t: 0\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd evtstrm crc32 cpuid "
                          "asimddp\n\nHardware\t: BCM2835\n");
    write("proc/meminfo", "MemTotal:        3884380 kB\nMemFree:   100 kB\n");
    write("proc/loadavg", "1.75 0.50 0.25 2/300 1234\n");
    write("etc/os-release", "NAME=\"Debian GNU/Linux\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n");
    write("sys/firmware/devicetree/base/model", std::string("Raspberry Pi 4 Model B Rev 1.4\0", 32));
    write("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "ondemand\n");
    write("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1500345\n");
    write("sys/devices/platform/soc/soc:firmware/get_throttled", "0\n");
    write("sys/class/thermal/thermal_zone0/temp", "48312\n");
    write("sys/class/thermal/thermal_zone1/temp", "-274000\n"); // a disabled sensor
    write("sys/class/thermal/cooling_device0/cur_state", "0\n");
  }
};

} // namespace

class MachineContextTest : public QObject {
  Q_OBJECT

private slots:
  void aBoardIsDescribed() {
    const FakeMachine pi;
    pi.describePi();
    const MachineContext context(3, pi.paths);
    pi.write("sys/class/thermal/thermal_zone0/temp", "61050\n");
    const base::Json json = context.finish();
    QVERIFY(json.at("cpu") == "BCM2835");
    QVERIFY(json.at("board") == "Raspberry Pi 4 Model B Rev 1.4");
    QVERIFY((json.at("isa") == base::Json{"asimd", "asimddp"}));
    QVERIFY(json.at("os") == "Debian GNU/Linux 12 (bookworm)");
    QVERIFY(json.at("governor") == "ondemand");
    QVERIFY(json.at("frequencyMHz") == 1500.0);
    QVERIFY(json.at("temperatureBeforeC") == 48.3);
    QVERIFY(json.at("temperatureC") == 61.1 || json.at("temperatureC") == 61.0);
    QVERIFY(json.at("throttled") == false);
    QVERIFY(json.at("memoryBytes") == 3884380ull * 1024);
    QVERIFY(json.at("loadAverage") == 1.75);
    QVERIFY(json.at("threads") == 3);
    QVERIFY(json.at("build").contains("compiler"));
  }

  void throttlingIsNoticed_data() {
    QTest::addColumn<QByteArray>("file");
    QTest::addColumn<QByteArray>("before");
    QTest::addColumn<QByteArray>("after");
    QTest::addColumn<bool>("throttled");
    const QByteArray firmware = "sys/devices/platform/soc/soc:firmware/get_throttled";
    const QByteArray counter = "sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count";
    QTest::newRow("firmware says so now") << firmware << QByteArray("50004") << QByteArray("50004") << true;
    QTest::newRow("it did once, long ago") << firmware << QByteArray("50000") << QByteArray("50000") << false;
    QTest::newRow("it did while measuring") << firmware << QByteArray("0") << QByteArray("40000") << true;
    QTest::newRow("counter stands") << counter << QByteArray("7") << QByteArray("7") << false;
    QTest::newRow("counter runs") << counter << QByteArray("7") << QByteArray("8") << true;
  }
  void throttlingIsNoticed() {
    QFETCH(QByteArray, file);
    QFETCH(QByteArray, before);
    QFETCH(QByteArray, after);
    QFETCH(bool, throttled);
    const FakeMachine machine;
    machine.write(file.toStdString(), before.toStdString());
    const MachineContext context(1, machine.paths);
    machine.write(file.toStdString(), after.toStdString());
    QCOMPARE(context.finish().at("throttled").get<bool>(), throttled);
  }

  void missingFactsAreOmitted() {
    const FakeMachine nothing;
    const base::Json json = MachineContext(1, nothing.paths).finish();
    for (const char* key : {"cpu", "board", "os", "governor", "frequencyMHz", "temperatureC",
                            "temperatureBeforeC", "throttled", "memoryBytes", "loadAverage"})
      QVERIFY2(!json.contains(key), key);
    QVERIFY(json.at("isa").empty());
    QCOMPARE(benchmark::peakRssBytes(nothing.paths), uint64_t{0});
  }

  void oddFilesDoNotMatter() {
    const FakeMachine odd;
    odd.write("proc/cpuinfo", "::::\nmodel name\n: \nmodel name:\n");
    odd.write("proc/meminfo", "MemTotal: many kB\n");
    odd.write("proc/loadavg", "high\n");
    odd.write("sys/class/thermal/thermal_zone0/temp", "\n");
    const base::Json json = MachineContext(1, odd.paths).finish();
    for (const char* key : {"cpu", "memoryBytes", "loadAverage", "temperatureC"})
      QVERIFY2(!json.contains(key), key);
  }

  void thisMachineIsDescribed() {
    const base::Json json = MachineContext(2).finish();
    QVERIFY(json.at("cores").get<int>() >= 1);
    QVERIFY(json.at("memoryBytes").get<uint64_t>() > 100'000'000);
    QVERIFY(!json.at("architecture").get<std::string>().empty());
    QVERIFY(benchmark::peakRssBytes() > 1'000'000);
  }
};

NIB_TEST(MachineContextTest)
#include "machine_context_test.moc"
