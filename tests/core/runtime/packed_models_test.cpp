// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.hpp"
#include "checkpoint/quantized_linear.hpp"
#include "exact_cache.hpp"
#include "model/family.hpp"
#include "nib_test.hpp"
#include "runtime/decoder.hpp"
#include "test_data.hpp"
#include "test_weights.hpp"

#include <QTest>

#include <functional>

using namespace nibblesmith;
using checkpoint::Checkpoint;
using tensor::DType;
using tensor::TensorView;

namespace {

constexpr int64_t kGroup = 16;

TensorView words(std::vector<int64_t> shape, uint32_t seed) {
  std::mt19937 random(seed);
  auto values = std::make_shared<std::vector<uint32_t>>(static_cast<size_t>(shape[0] * shape[1]));
  for (uint32_t& value : *values)
    value = static_cast<uint32_t>(random());
  return {DType::I32, std::move(shape), std::as_bytes(std::span(*values)), values};
}

/// Returns small positive F16 numbers.
TensorView scales(int64_t rows, int64_t cols, uint32_t seed) {
  const tensor::Matrix values =
      (test::randomMatrix(rows, cols, seed).cwiseAbs().array() * 0.02f + 0.005f).matrix();
  auto halves = std::make_shared<std::vector<uint16_t>>();
  for (int64_t i = 0; i < values.size(); ++i)
    halves->push_back(tensor::f32ToF16(values.data()[i]));
  return {DType::F16, {rows, cols}, std::as_bytes(std::span(*halves)), halves};
}

/// Function that adds one linear's tensors with random values in some layout.
using Pack = std::function<void(std::map<std::string, TensorView>& tensors, const std::string& name,
                                int64_t out, int64_t in, uint32_t seed)>;

void packGptq(std::map<std::string, TensorView>& tensors, const std::string& name, int64_t out, int64_t in,
              uint32_t seed) {
  tensors[name + ".qweight"] = words({in / 8, out}, seed);
  tensors[name + ".qzeros"] = words({in / kGroup, out / 8}, seed + 1);
  tensors[name + ".scales"] = scales(in / kGroup, out, seed + 2);
}

void packAwq(std::map<std::string, TensorView>& tensors, const std::string& name, int64_t out, int64_t in,
             uint32_t seed) {
  tensors[name + ".qweight"] = words({in, out / 8}, seed);
  tensors[name + ".qzeros"] = words({in / kGroup, out / 8}, seed + 1);
  tensors[name + ".scales"] = scales(in / kGroup, out, seed + 2);
}

void packFloat8(std::map<std::string, TensorView>& tensors, const std::string& name, int64_t out, int64_t in,
                uint32_t seed) {
  tensors[name + ".weight"] = test::randomStored(DType::F8_E4M3, out, in, seed);
  tensors[name + ".weight_scale_inv"] = scales(out / kGroup, in / kGroup, seed + 1);
}

/// Returns the golden Llama with the linears of its decoder packed.
std::shared_ptr<Checkpoint> packed(const base::Json& quantization, const Pack& pack) {
  auto checkpoint = std::make_shared<Checkpoint>(
      *checkpoint::openCheckpoint(test::projectFile("tests/golden/model/llama")));
  checkpoint->config["quantization_config"] = quantization;
  uint32_t seed = 1;
  for (const auto& [name, view] : std::map(checkpoint->tensors)) {
    if (!name.ends_with("_proj.weight"))
      continue;
    checkpoint->tensors.erase(name);
    pack(checkpoint->tensors, name.substr(0, name.rfind('.')), view.rows(), view.cols(), seed += 10);
  }
  return checkpoint;
}

/// Returns the same model dequantized. tests/core/checkpoint compares the layouts with the programs that
/// write them.
std::shared_ptr<Checkpoint> unpacked(const Checkpoint& source) {
  auto checkpoint = std::make_shared<Checkpoint>(
      *checkpoint::openCheckpoint(test::projectFile("tests/golden/model/llama")));
  for (auto& [name, view] : checkpoint->tensors) {
    if (!name.ends_with("_proj.weight"))
      continue;
    const auto linear = checkpoint::readQuantizedLinear(source, name.substr(0, name.rfind('.')));
    const auto* codes = std::get_if<tensor::QuantizedTensor>(&linear.weight);
    view = tensor::ownedView(codes ? codes->dequantize()
                                   : tensor::toMatrix(std::get<TensorView>(linear.weight)));
  }
  return checkpoint;
}

tensor::Matrix logitsOf(const std::shared_ptr<const Checkpoint>& checkpoint) {
  base::ThreadPool pool(1);
  const runtime::Decoder decoder(model::openModel(checkpoint), runtime::WeightStorage::AsStored, pool);
  runtime::KvCache cache(test::exactly(decoder.config()), 20);
  std::vector<tokenizer::TokenId> tokens;
  for (int i = 0; i < 20; ++i)
    tokens.push_back(1 + i * 7 % 90);
  return decoder.forward(tokens, cache, runtime::LogitsFor::AllTokens);
}

} // namespace

/// Opens whole models quantized by other programs and compares their logits with those of the dequantized
/// weights.
class PackedModelsTest : public QObject {
  Q_OBJECT

private slots:
  void openAndCompute_data() {
    QTest::addColumn<QString>("quantization");
    QTest::addColumn<int>("layout");
    QTest::newRow("GPTQ")
        << R"({"quant_method": "gptq", "bits": 4, "group_size": 16, "sym": false, "desc_act": false})" << 0;
    QTest::newRow("AWQ")
        << R"({"quant_method": "awq", "bits": 4, "group_size": 16, "zero_point": true, "version": "gemm"})"
        << 1;
    QTest::newRow("8-bit floats") << R"({"quant_method": "fp8", "weight_block_size": [16, 16]})" << 2;
  }
  void openAndCompute() {
    QFETCH(QString, quantization);
    QFETCH(int, layout);
    const Pack packs[] = {packGptq, packAwq, packFloat8};
    const auto source = packed(base::Json::parse(quantization.toStdString()), packs[layout]);
    const auto dense = unpacked(*source);
    const tensor::Matrix expected = logitsOf(dense), found = logitsOf(source);
    QVERIFY(expected.allFinite() && expected.cwiseAbs().maxCoeff() > 1.0f);
    const float distance = (found - expected).cwiseAbs().maxCoeff() / expected.cwiseAbs().maxCoeff();
    QVERIFY2(distance < 1e-4f, qPrintable(QString::number(distance)));
    // Negative control: other codes.
    auto changed = std::make_shared<Checkpoint>(*source);
    const std::string part = layout == 2 ? ".weight" : ".qweight";
    std::swap(changed->tensors.at("model.layers.1.self_attn.k_proj" + part),
              changed->tensors.at("model.layers.1.self_attn.v_proj" + part));
    QVERIFY((logitsOf(changed) - expected).cwiseAbs().maxCoeff() / expected.cwiseAbs().maxCoeff() > 1e-2f);
    QVERIFY(model::summarize(*model::openModel(source)).weightBytes <
            model::summarize(*model::openModel(dense)).weightBytes);
  }
};

NIB_TEST(PackedModelsTest)
#include "packed_models_test.moc"
