// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file.hpp"
#include "experiments/experiment_log.hpp"
#include "quantizers/rtn/method.hpp"
#include "test_data.hpp"
#include "workflow/quantize.hpp"
#include "workflow/services.hpp"

#include <functional>

#include <QByteArray>
#include <QTemporaryDir>

namespace nibblesmith::test {

/// Catalog with only RTN, without plugins.
class RtnMethods final : public quantization::MethodCatalog {
public:
  std::vector<quantization::MethodDescription> methods() const override {
    return {quantization::methodFromJson(
        base::readJsonFile(projectFile("plugins/quantizers/rtn/method.json")), "rtn")};
  }
  std::unique_ptr<quantization::Rounding> makeRounding(const std::string&, const base::Json&) const override {
    return std::make_unique<rtn::RtnRounding>();
  }
};

/// Folder with a log and the demo model.
struct Workplace {
  QTemporaryDir folder;
  RtnMethods methods;
  workflow::Services services;
  std::filesystem::path root = folder.path().toStdString();
  std::filesystem::path model = projectFile("resources/demo/model");

  Workplace() {
    services.methods = &methods;
    services.log = root / "log.db";
    services.runner = builtFile("bin/nsmith-runner");
  }

  workflow::QuantizeRequest recipe(int bits, const std::string& name, const std::string& out) const {
    workflow::QuantizeRequest request;
    request.model = model;
    request.recipe.name = name;
    request.recipe.grid.parameters = {{"bits", bits}, {"groupSize", 64}};
    request.out = root / out;
    return request;
  }
  workflow::QuantizeResult quantize(const workflow::QuantizeRequest& request) const {
    base::NoProgress progress;
    return workflow::quantize(request, services, {}, progress);
  }
  experiments::ExperimentLog log() const { return experiments::ExperimentLog(services.log); }
  std::vector<experiments::RunRow> runs() const { return log().runs(); }
};

/// Returns the message of the base::Error that the action throws.
inline QByteArray errorOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const base::Error& error) {
    return error.what();
  }
  return "no error";
}

/// Progress that requests a stop at a given stage.
class StopAt final : public base::Progress {
public:
  explicit StopAt(std::string stage) : m_stage(std::move(stage)) {}
  void report(double, std::string_view stage) override {
    if (stage.find(m_stage) != std::string_view::npos)
      m_source.request_stop();
  }
  std::stop_token token() const { return m_source.get_token(); }

private:
  std::string m_stage;
  std::stop_source m_source;
};

} // namespace nibblesmith::test
