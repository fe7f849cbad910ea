// SPDX-License-Identifier: Apache-2.0
#include "nib_test.hpp"
#include "workflow/quantize.hpp"
#include "workplace.hpp"

#include <fstream>

#include <QTest>

#include <sqlite3.h>

using namespace nibblesmith;
using experiments::RunStatus;
namespace fs = std::filesystem;

/// Problems with log, output or disk space are reported before the work.
class ChecksBeforeWorkTest : public QObject {
  Q_OBJECT

  std::unique_ptr<test::Workplace> m_place;

  /// Progress that records if the work began.
  class Watch final : public base::Progress {
  public:
    void report(double, std::string_view stage) override { began = began || stage.starts_with("block"); }
    bool began = false;
  };

  /// Returns the error of a quantization that is rejected before anything is done or written.
  QByteArray refusal(const workflow::QuantizeRequest& request) const {
    Watch progress;
    const QByteArray told =
        test::errorOf([&] { workflow::quantize(request, m_place->services, {}, progress); });
    if (progress.began)
      return "the work began: " + told;
    if (fs::exists(request.out.string() + ".partial"))
      return "a work directory was made: " + told;
    return told;
  }

private slots:
  void init() { m_place = std::make_unique<test::Workplace>(); }

  /// Negative control: Watch detects work.
  void workIsSeen() {
    Watch progress;
    workflow::quantize(m_place->recipe(4, "RTN", "rtn"), m_place->services, {}, progress);
    QVERIFY(progress.began);
  }

  void aLogThatIsNone() {
    std::ofstream(m_place->services.log) << std::string(4096, 'x');
    const QByteArray told = refusal(m_place->recipe(4, "RTN", "rtn"));
    QVERIFY2(told.contains("log.db") && told.contains("another kind of file"), told.constData());
    QVERIFY(!fs::exists(m_place->root / "rtn"));
  }

  void aLogThatCannotBeWritten() {
    m_place->services.log = "/proc/nowhere/log.db";
    const QByteArray told = refusal(m_place->recipe(4, "RTN", "rtn"));
    QVERIFY2(told.contains("/proc/nowhere"), told.constData());
  }

  /// Another program holds an exclusive lock on the log. SQLite waits for 15 seconds.
  void aLockedLog() {
    m_place->log();
    sqlite3* other = nullptr;
    QCOMPARE(sqlite3_open(m_place->services.log.c_str(), &other), SQLITE_OK);
    QCOMPARE(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
    const QByteArray told = refusal(m_place->recipe(4, "RTN", "rtn"));
    sqlite3_close(other);
    QVERIFY2(told.contains("log.db") && told.contains("locked"), told.constData());
    QVERIFY(!fs::exists(m_place->root / "rtn"));
  }

  void anOutputThatIsThere() {
    const workflow::QuantizeRequest four = m_place->recipe(4, "RTN 4-bit", "rtn");
    const std::string identity = m_place->quantize(four).sha256;
    workflow::QuantizeRequest three = m_place->recipe(3, "RTN 3-bit", "rtn");
    const QByteArray told = refusal(three);
    QVERIFY2(told.contains("'RTN 4-bit'") && told.contains("--replace"), told.constData());
    three.replace = true;
    QVERIFY(m_place->quantize(three).sha256 != identity);
    QCOMPARE(m_place->runs().size(), size_t{3});
    QCOMPARE(m_place->runs()[1].status, RunStatus::Failed);
  }

  void anOutputThatIsSomethingElse() {
    fs::create_directories(m_place->root / "photos");
    std::ofstream(m_place->root / "photos/holiday.jpg") << "x";
    workflow::QuantizeRequest request = m_place->recipe(4, "RTN", "photos");
    request.replace = true;
    const QByteArray told = refusal(request);
    QVERIFY2(told.contains("photos") && told.contains("no artifact"), told.constData());
    QVERIFY(fs::exists(m_place->root / "photos/holiday.jpg"));
  }

  void anOutputThatCannotBeWritten() {
    workflow::QuantizeRequest request = m_place->recipe(4, "RTN", "rtn");
    request.out = "/proc/nowhere/rtn";
    const QByteArray told = refusal(request);
    QVERIFY2(told.contains("'/proc/nowhere/rtn' cannot be made, as '/proc'"), told.constData());
  }

  /// If only the log fails at the end, the artifact is kept, and the message says so.
  void aLogThatFailsAtLast() {
    class BreakTheLog final : public base::Progress {
    public:
      explicit BreakTheLog(fs::path log) : m_log(std::move(log)) {}
      void report(double, std::string_view stage) override {
        if (stage.find("checksums") == std::string_view::npos)
          return;
        sqlite3* handle = nullptr;
        sqlite3_open(m_log.c_str(), &handle);
        sqlite3_exec(handle, "DROP TABLE metrics", nullptr, nullptr, nullptr);
        sqlite3_close(handle);
      }

    private:
      fs::path m_log;
    } progress(m_place->services.log);
    const workflow::QuantizeRequest request = m_place->recipe(4, "RTN", "rtn");
    const QByteArray told =
        test::errorOf([&] { workflow::quantize(request, m_place->services, {}, progress); });
    QVERIFY2(told.contains("is complete") && told.contains("metrics"), told.constData());
    QVERIFY(fs::exists(m_place->root / "rtn/nibblesmith.json"));
    QVERIFY(fs::exists(m_place->root / "rtn.partial"));
  }
};

NIB_TEST(ChecksBeforeWorkTest)
#include "checks_before_work_test.moc"
