// SPDX-License-Identifier: Apache-2.0
#include "job_test.hpp"

#include "nib_test.hpp"
#include "quantization/block_file.hpp"

#include <QTest>

#include <chrono>
#include <ctime>
#include <thread>

using namespace nibblesmith;
using test::Job;
namespace fs = std::filesystem;

namespace {

/// Progress that requests a stop when a given stage is reported.
class StopAt final : public base::Progress {
public:
  StopAt(std::string stage, std::stop_source& source) : m_stage(std::move(stage)), m_source(source) {}
  void report(double, std::string_view stage) override {
    if (stage == m_stage)
      m_source.request_stop();
  }

private:
  std::string m_stage;
  std::stop_source& m_source;
};

bool hasNote(const quantization::QuantizedModel& result, const std::string& text) {
  return std::any_of(result.notes.begin(), result.notes.end(),
                     [&](const std::string& note) { return note.find(text) != std::string::npos; });
}

} // namespace

class EngineResumeTest : public test::JobTest {
  Q_OBJECT
public:
  EngineResumeTest() : JobTest(std::make_shared<test::TestModel>(2, 4)) {}

private slots:
  void initTestCase();
  void resumesWithTheSameBytes_data();
  void resumesWithTheSameBytes();
  void missingBlockInTheMiddle();
  void damagedFilesAreDoneAgain();
  void foreignDirectoriesAreRefused();
  void foreignFilesAreKept();
  void oneAtATime();
  void anotherRecipeStartsFromScratch();
  void aNewNameTakesAllOver();
  void cancelsInTime();

private:
  std::string m_expected; ///< bytes of an uninterrupted run
};

void EngineResumeTest::initTestCase() {
  const auto work = job("whole");
  run(work);
  m_expected = test::blockBytes(work.workDirectory);
}

void EngineResumeTest::resumesWithTheSameBytes_data() {
  QTest::addColumn<QString>("stage");
  QTest::addColumn<QString>("note");
  QTest::newRow("in the first block") << "block 1 of 4: o"
                                      << "";
  QTest::newRow("after one block") << "block 2 of 4: q, k, v"
                                   << "1 of 4 blocks were reused";
  QTest::newRow("in the third") << "block 3 of 4: gate, up"
                                << "2 of 4 blocks were reused";
  QTest::newRow("in the last") << "block 4 of 4: down"
                               << "3 of 4 blocks were reused";
}

void EngineResumeTest::resumesWithTheSameBytes() {
  QFETCH(QString, stage);
  QFETCH(QString, note);
  const auto work = job("resume " + stage.toStdString());
  std::stop_source source;
  StopAt progress(stage.toStdString(), source);
  base::ThreadPool pool(2);
  QVERIFY_THROWS_EXCEPTION(base::Cancelled,
                           quantization::quantizeModel(work, pool, source.get_token(), progress));
  QVERIFY(test::blockBytes(work.workDirectory) != m_expected);
  const auto result = run(work, 3);
  QCOMPARE(result.notes.empty(), note.isEmpty());
  QVERIFY(note.isEmpty() || hasNote(result, note.toStdString()));
  QVERIFY(test::blockBytes(work.workDirectory) == m_expected);
  // The reports include reused blocks.
  QCOMPARE(result.layers.size(), size_t{28});
  for (const auto& layer : result.layers)
    QVERIFY(layer.relativeOutputError > 0);
}

void EngineResumeTest::missingBlockInTheMiddle() {
  const auto work = job("middle");
  run(work);
  fs::remove(quantization::blockFilePath(work.workDirectory, 1));
  QVERIFY(hasNote(run(work), "3 of 4 blocks"));
  QVERIFY(test::blockBytes(work.workDirectory) == m_expected);
}

void EngineResumeTest::damagedFilesAreDoneAgain() {
  const auto work = job("damaged");
  run(work);
  const auto cut = quantization::blockFilePath(work.workDirectory, 0);
  fs::resize_file(cut, fs::file_size(cut) / 2);
  const auto flipped = quantization::blockFilePath(work.workDirectory, 2);
  {
    std::fstream file(flipped, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(fs::file_size(flipped) / 2));
    file.put('\x5a');
  }
  const auto broken =
      quantization::QuantizedModel{m_model, work.recipe, work.workDirectory, {}, {}, {}, {}, {}, {}};
  QVERIFY_THROWS_EXCEPTION(base::Error, broken.block(0));
  const auto result = run(work);
  QVERIFY(hasNote(result, "block 1 of 4 is quantized again, because its file is damaged"));
  QVERIFY(hasNote(result, "block 3 of 4 is quantized again, because its file is damaged"));
  QVERIFY(hasNote(result, "2 of 4 blocks were reused"));
  QVERIFY(test::blockBytes(work.workDirectory) == m_expected);
  // Damaged files are kept: a disk error and an edit by a person look the same.
  QVERIFY(fs::exists(cut.string() + ".kept-1") && fs::exists(flipped.string() + ".kept-1"));
}

void EngineResumeTest::foreignDirectoriesAreRefused() {
  const auto work = job("foreign");
  fs::create_directories(work.workDirectory);
  const auto path = quantization::blockFilePath(work.workDirectory, 0);
  std::ofstream(path) << "a photo";
  try {
    run(work);
    QFAIL("expected an error");
  } catch (const base::Error& error) {
    QVERIFY2(std::string_view(error.what()).find("'block-0000.safetensors'") != std::string_view::npos,
             error.what());
  }
  QCOMPARE(base::readTextFile(path), std::string("a photo"));
  QCOMPARE(std::distance(fs::directory_iterator(work.workDirectory), fs::directory_iterator()),
           std::ptrdiff_t{1});
}

void EngineResumeTest::foreignFilesAreKept() {
  const auto work = job("kept");
  run(work);
  const auto path = quantization::blockFilePath(work.workDirectory, 2);
  std::ofstream(path, std::ios::trunc) << "a photo";
  std::ofstream(work.workDirectory / "notes") << "notes";
  QVERIFY(hasNote(run(work), "block 3 of 4 is quantized again"));
  QVERIFY(test::blockBytes(work.workDirectory) == m_expected);
  QCOMPARE(base::readTextFile(path.string() + ".kept-1"), std::string("a photo"));
  base::WorkDirectory claim(work.workDirectory, "test");
  QCOMPARE(claim.remove().text(), std::string("'block-0002.safetensors.kept-1', 'notes'"));
  QVERIFY(test::blockBytes(work.workDirectory).empty());
}

void EngineResumeTest::oneAtATime() {
  auto work = job("claimed");
  base::WorkDirectory claim(work.workDirectory, "another quantization");
  try {
    run(work);
    QFAIL("expected an error");
  } catch (const base::Error& error) {
    QVERIFY2(std::string_view(error.what()).find("another quantization") != std::string_view::npos,
             error.what());
  }
  work.claim = &claim;
  run(work);
  QVERIFY(test::blockBytes(work.workDirectory) == m_expected);
}

void EngineResumeTest::anotherRecipeStartsFromScratch() {
  auto work = job("anew");
  run(work);
  const auto changedIsNew = [&](const Job& changed) {
    const auto result = run(changed);
    return result.notes.empty() && test::blockBytes(work.workDirectory) != m_expected;
  };
  work.recipe.rounding.parameters = {{"dampFraction", 0.02}};
  QVERIFY(changedIsNew(work));
  work = job("anew");
  auto other = test::testCalibration(5);
  work.calibration = &other;
  QVERIFY(changedIsNew(work));
  work = job("anew");
  auto model = std::make_shared<test::TestModel>(2, 4);
  model->set("model.layers.3.mlp.up_proj", 3, 0.2f);
  work.model = model;
  QVERIFY(changedIsNew(work));
}

void EngineResumeTest::aNewNameTakesAllOver() {
  auto work = job("name");
  run(work);
  work.recipe.name = "another name";
  // Writing out defaults does not change the recipe.
  work.recipe.rounding.parameters = {{"dampFraction", 0.01}, {"actOrder", "static"}};
  QVERIFY(hasNote(run(work), "4 of 4 blocks were reused"));
  QVERIFY(test::blockBytes(work.workDirectory) == m_expected);
}

void EngineResumeTest::cancelsInTime() {
  // Long enough to be interrupted; many sequences through a wider model would take seconds.
  auto set = test::testCalibration(3, 60);
  for (int i = 0; i < 12; ++i) {
    const auto copy = set.sequences;
    if (set.sequences.size() < 6000)
      set.sequences.insert(set.sequences.end(), copy.begin(), copy.end());
  }
  auto work = job("cancel");
  work.calibration = &set;
  std::stop_source source;
  std::clock_t stopped = 0;
  std::jthread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    stopped = std::clock();
    source.request_stop();
  });
  base::ThreadPool pool(2);
  base::NoProgress silent;
  QVERIFY_THROWS_EXCEPTION(base::Cancelled,
                           quantization::quantizeModel(work, pool, source.get_token(), silent));
  canceller.join();
  // Measures CPU time of both threads, which does not depend on the load of the machine.
  const double late = static_cast<double>(std::clock() - stopped) / CLOCKS_PER_SEC;
  QVERIFY2(late < 2 * 0.5, qPrintable(QString::number(late)));
}

NIB_TEST(EngineResumeTest)
#include "engine_resume_test.moc"
