// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "devices/profile.hpp"
#include "nib_test.hpp"
#include "test_data.hpp"

#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include <set>

using namespace nibblesmith;

class ProfileTest : public QObject {
  Q_OBJECT

private slots:
  void readsTheProgramsOwn() {
    const auto profiles = devices::readProfiles(test::projectFile("resources/devices"));
    QVERIFY(profiles.size() >= 6);
    std::set<std::string> ids;
    for (const devices::DeviceProfile& profile : profiles) {
      QVERIFY(ids.insert(profile.id).second);
      QVERIFY(!profile.name.empty() && !profile.source.empty());
      QVERIFY(profile.reservedBytes < profile.memoryBytes);
    }
    QVERIFY(ids.contains("pi-4-4gb") && ids.contains("coral-dev-board-1gb"));
    QVERIFY_THROWS_EXCEPTION(base::Error, devices::readProfiles("/nowhere"));
  }
  void refusesWhatIsNone_data() {
    QTest::addColumn<QByteArray>("from");
    QTest::addColumn<QByteArray>("to");
    QTest::addColumn<QByteArray>("says");
    QTest::newRow("schema") << QByteArray("\"schema\":1") << QByteArray("\"schema\":2")
                            << QByteArray("'schema': expected 1, found 2");
    QTest::newRow("memory") << QByteArray("\"memoryGiB\":4") << QByteArray("\"memoryGiB\":-4")
                            << QByteArray("'memoryGiB'");
    QTest::newRow("more reserved than there is")
        << QByteArray("\"reservedGiB\":1") << QByteArray("\"reservedGiB\":5") << QByteArray("'reservedGiB'");
    QTest::newRow("threads") << QByteArray("\"threads\":4") << QByteArray("\"threads\":0")
                             << QByteArray("'threads'");
    QTest::newRow("bandwidth") << QByteArray("\"bandwidthGBps\":3")
                               << QByteArray("\"bandwidthGBps\":\"fast\"") << QByteArray("'bandwidthGBps'");
    QTest::newRow("no source") << QByteArray("\"source\"") << QByteArray("\"sauce\"")
                               << QByteArray("'source'");
  }
  void refusesWhatIsNone() {
    QFETCH(QByteArray, from);
    QFETCH(QByteArray, to);
    QFETCH(QByteArray, says);
    QByteArray text =
        R"({"schema":1,"id":"x","name":"X","memoryGiB":4,"reservedGiB":1,"threads":4,"bandwidthGBps":3,"source":"s"})";
    QTemporaryDir directory;
    const QString path = directory.filePath(QStringLiteral("x.json"));
    const auto write = [&](const QByteArray& bytes) {
      QFile file(path);
      QVERIFY(file.open(QIODevice::WriteOnly));
      file.write(bytes);
    };
    write(text);
    QCOMPARE(devices::readProfile(path.toStdString()).bandwidth, 3e9);
    write(text.replace(from, to));
    try {
      devices::readProfile(path.toStdString());
      QFAIL("no error");
    } catch (const base::Error& error) {
      QVERIFY(error.code() == base::ErrorCode::Corrupt);
      QVERIFY2(QByteArray(error.what()).contains(says), error.what());
      QVERIFY2(QByteArray(error.what()).contains("x.json"), error.what());
    }
  }
};

NIB_TEST(ProfileTest)
#include "profile_test.moc"
