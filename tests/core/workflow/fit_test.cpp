// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "nib_test.hpp"
#include "quantization/grid.hpp"
#include "test_data.hpp"
#include "workflow/fit.hpp"
#include "workflow/services.hpp"

#include <QTemporaryDir>
#include <QTest>

#include <limits>

using namespace nibblesmith;

namespace {

/// Rounding without function: the estimate only needs methods to exist.
class NoRounding final : public quantization::Rounding {
public:
  bool needsHessian() const override { return false; }
  quantization::RoundingResult round(const quantization::RoundingProblem&, base::ThreadPool&,
                                     const std::stop_token&) const override {
    return {};
  }
};

class Methods final : public quantization::MethodCatalog {
public:
  std::vector<quantization::MethodDescription> methods() const override {
    quantization::MethodDescription nearest;
    nearest.name = "nearest";
    return {nearest};
  }
  std::unique_ptr<quantization::Rounding> makeRounding(const std::string&, const base::Json&) const override {
    return std::make_unique<NoRounding>();
  }
};

} // namespace

class FitTest : public QObject {
  Q_OBJECT

private slots:
  void fewerBitsTakeLessAndAreFaster() {
    const workflow::FitRequest asItIs{test::projectFile("resources/demo/model"), {}, 512};
    workflow::FitRequest rounded = asItIs;
    rounded.recipe = quantization::Recipe();
    rounded.recipe->rounding.use = "nearest";
    rounded.recipe->kvCache.use = "int8";
    const auto before = workflow::fit(asItIs, m_services);
    const auto after = workflow::fit(rounded, m_services);
    QCOMPARE(before.size(), after.size());
    QVERIFY(before.size() >= 7);
    QCOMPARE(before.back().profile.id, std::string("this-computer"));
    for (size_t i = 0; i < before.size(); ++i) {
      QVERIFY(before[i].fits && after[i].fits); // ten megabytes
      QCOMPARE(before[i].footprint.context, 512);
      QVERIFY(after[i].footprint.weightBytes < before[i].footprint.weightBytes);
      QVERIFY(after[i].footprint.kvCacheBytes < before[i].footprint.kvCacheBytes);
      if (i + 1 < before.size()) // the bandwidth of this computer is measured each time
        QVERIFY(after[i].tokensPerSecond > before[i].tokensPerSecond);
    }
  }
  void knownBandwidthIsNotMeasuredAgain() {
    workflow::FitRequest request{test::projectFile("resources/demo/model"), {}, 512};
    QVERIFY(workflow::fit(request, m_services).back().profile.bandwidth > 0);
    request.bandwidth = 12345.0;
    const workflow::DeviceFit here = workflow::fit(request, m_services).back();
    QCOMPARE(here.profile.bandwidth, 12345.0);
    QCOMPARE(here.tokensPerSecond, 12345.0 / static_cast<double>(here.footprint.bytesPerToken));
  }
  void longContextsDoNotFit() {
    const QTemporaryDir folder;
    const std::filesystem::path model = folder.path().toStdString(),
                                demo = test::projectFile("resources/demo/model");
    base::Json config = base::readJsonFile(demo / "config.json");
    config["max_position_embeddings"] = 4'000'000;
    base::writeFileAtomically(model / "config.json", config.dump());
    std::filesystem::create_symlink(demo / "model.safetensors", model / "model.safetensors");
    const auto fits = workflow::fit({model, {}, 2'000'000}, m_services);
    const auto coral = std::find_if(fits.begin(), fits.end(),
                                    [](const auto& fit) { return fit.profile.id == "coral-dev-board-1gb"; });
    QVERIFY(coral != fits.end());
    QVERIFY(!coral->fits);
    QVERIFY(coral->footprint.totalBytes() > coral->availableBytes);
  }
  void contextsBeyondTheModelsAreRefused() {
    QVERIFY_THROWS_EXCEPTION(base::Error,
                             workflow::fit({test::projectFile("resources/demo/model"), {}, 513}, m_services));
    QVERIFY_THROWS_EXCEPTION(
        base::Error,
        workflow::fit({test::projectFile("resources/demo/model"), {}, std::numeric_limits<int64_t>::max()},
                      m_services));
  }
  void usesTheModelsOwnContext() {
    QCOMPARE(workflow::fit({test::projectFile("resources/demo/model"), {}, 0}, m_services)
                 .front()
                 .footprint.context,
             512);
  }
  void recipesNeedMethods() {
    workflow::Services none = m_services;
    none.methods = nullptr;
    QVERIFY_THROWS_EXCEPTION(
        base::Error,
        workflow::fit({test::projectFile("resources/demo/model"), quantization::Recipe(), 0}, none));
  }

private:
  Methods m_methods;
  workflow::Services m_services{1, &m_methods, {}, test::projectFile("resources"), {}};
};

NIB_TEST(FitTest)
#include "fit_test.moc"
