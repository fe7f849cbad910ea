// SPDX-License-Identifier: Apache-2.0
#include "base/budget.hpp"
#include "nib_test.hpp"
#include "refusal.hpp"

#include <QtTest>

using namespace nibblesmith;
using base::Budget;
using base::ErrorCode;

class BudgetTest : public QObject {
  Q_OBJECT

private slots:
  void stepsAreCounted() {
    Budget budget("a.json", {0, 1'000'000, 600});
    for (int i = 0; i < 1000; ++i)
      budget.step(1000, "normalizer");
    QCOMPARE(budget.steps(), uint64_t{1'000'000});
    const std::string wrong =
        test::check(test::refusalOf([&] { budget.step(1, "normalizer"); }), ErrorCode::NotSupported,
                    {"a.json: normalizer:", "at most 1000000 steps", "found more"});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void memoryIsHeldAndGivenBack() {
    Budget budget("a.json", {100, 10, 600});
    budget.hold(60, "text");
    {
      base::BudgetHold held(budget);
      held.add(40, "words");
      QCOMPARE(budget.bytes(), uint64_t{100});
      const std::string wrong =
          test::check(test::refusalOf([&] { held.add(1, "words"); }), ErrorCode::NotSupported,
                      {"a.json: words:", "at most 100 bytes", "found 101"});
      QVERIFY2(wrong.empty(), wrong.c_str());
    }
    QCOMPARE(budget.bytes(), uint64_t{60});
    budget.release(60);
    budget.hold(100, "text");
    QVERIFY(test::refusalOf([&] { budget.hold(UINT64_MAX, "text"); }));
  }

  void timeIsThatOfTheThread() {
    Budget budget("a.json", {0, UINT64_MAX - 1, 0.02});
    // Sleeping takes no CPU time.
    QTest::qSleep(50);
    budget.step(1, "pattern");
    volatile uint64_t sink = 0;
    const auto spend = [&] {
      for (;;) {
        for (int i = 0; i < 100'000; ++i)
          sink = sink + 1;
        budget.step(100'000, "pattern");
      }
    };
    const std::string wrong =
        test::check(test::refusalOf(spend), ErrorCode::NotSupported, {"a.json: pattern:", "seconds of work"});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void hearsTheStopToken() {
    std::stop_source source;
    Budget budget("a.json", {0, UINT64_MAX - 1, 600}, source.get_token());
    budget.step(1, "text");
    source.request_stop();
    QVERIFY_EXCEPTION_THROWN(budget.step(100'000, "text"), base::Cancelled);
    Budget late("a.json", {0, UINT64_MAX - 1, 600}, source.get_token());
    QVERIFY_EXCEPTION_THROWN(late.step(1, "text"), base::Cancelled);
  }

  void limitsOfFields() {
    base::checkLimit(5, 5, "bytes", "a.json: token");
    const std::string wrong = test::check(
        test::refusalOf([] { base::checkLimit(6, 5, "bytes", "a.json: token"); }), ErrorCode::NotSupported,
        {"a.json: token: expected at most 5 bytes, found 6", "use the file"});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }
};

NIB_TEST(BudgetTest)
#include "budget_test.moc"
