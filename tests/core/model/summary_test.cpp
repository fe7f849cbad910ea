// SPDX-License-Identifier: Apache-2.0
#include "memory_checkpoint.hpp"
#include "nib_test.hpp"
#include "test_data.hpp"

#include <QTest>

#include <cstring>

using namespace nibblesmith;
using test::TinyLlama;

namespace {

/// Stores integers as a tensor, for the parts of a packed linear.
template <typename T>
tensor::TensorView integers(tensor::DType dtype, std::vector<int64_t> shape, const std::vector<T>& values) {
  auto bytes = std::make_shared<std::vector<std::byte>>(values.size() * sizeof(T));
  std::memcpy(bytes->data(), values.data(), bytes->size());
  return {dtype, std::move(shape), *bytes, bytes};
}

/// Packs layers.0.mlp.up_proj [48, 32] at 4 bits, group 16: every code 8 + 1, every scale 0.5.
void packUp(checkpoint::Checkpoint& checkpoint) {
  const std::string prefix = "model.layers.0.mlp.up_proj";
  checkpoint.tensors.erase(prefix + ".weight");
  checkpoint.tensors[prefix + ".weight_packed"] =
      integers(tensor::DType::I32, {48, 4}, std::vector<uint32_t>(48 * 4, 0x99999999u));
  checkpoint.tensors[prefix + ".weight_scale"] =
      integers(tensor::DType::F16, {48, 2}, std::vector<uint16_t>(48 * 2, 0x3800));
  checkpoint.tensors[prefix + ".weight_shape"] =
      integers(tensor::DType::I64, {2}, std::vector<int64_t>{48, 32});
  checkpoint.config["quantization_config"] = {{"quant_method", "compressed-tensors"},
                                              {"format", "pack-quantized"},
                                              {"config_groups",
                                               {{"group_0",
                                                 {{"targets", {"Linear"}},
                                                  {"weights",
                                                   {{"num_bits", 4},
                                                    {"type", "int"},
                                                    {"symmetric", true},
                                                    {"strategy", "group"},
                                                    {"group_size", 16}}}}}}}};
}

} // namespace

class SummaryTest : public QObject {
  Q_OBJECT

private slots:
  void countsParametersAndBytes() {
    const auto summary = model::summarize(*model::openModel(TinyLlama{}.huggingFace()));
    // 2 * 40*32 embeddings; per layer q 32*32, k and v 16*32, o 32*32, three of 48*32, two norms; one final
    // norm.
    const uint64_t expected = 2 * 40 * 32 + 2 * (2 * 32 * 32 + 2 * 16 * 32 + 3 * 48 * 32 + 2 * 32) + 32;
    QCOMPARE(summary.parameters, expected);
    QCOMPARE(summary.weightBytes, 4 * expected);
    QCOMPARE(summary.format, std::string("Hugging Face"));
    QCOMPARE(summary.tensors.size(), size_t{3 + 2 * 9});
    QVERIFY(summary.skippedModules.empty());
    QCOMPARE(model::summarize(*model::openModel(TinyLlama{}.gguf())).parameters, expected);
    QCOMPARE(model::summarize(*model::openModel(TinyLlama{}.gguf())).format, std::string("GGUF"));
  }

  void showsPackedLinearsAsOneTensor() {
    const auto checkpoint = TinyLlama{}.huggingFace();
    const auto dense = model::summarize(*model::openModel(checkpoint));
    packUp(*checkpoint);
    const auto model = model::openModel(checkpoint);
    const auto summary = model::summarize(*model);
    QCOMPARE(summary.parameters, dense.parameters);
    QCOMPARE(summary.tensors.size(), dense.tensors.size());
    QCOMPARE(summary.format, std::string("Hugging Face, compressed-tensors 4-bit"));
    bool found = false;
    for (const auto& tensor : summary.tensors)
      if (tensor.name == "model.layers.0.mlp.up_proj.weight") {
        found = true;
        QCOMPARE(tensor.dtype, std::string("4-bit group 16"));
        QCOMPARE(tensor.shape, (std::vector<int64_t>{48, 32}));
        QCOMPARE(tensor.bytes, uint64_t{48 * 16 + 48 * 4 + 16});
      }
    QVERIFY(found);
    const model::BlockWeights block = model->block(0);
    const auto& up = block.linear(model::LinearRole::Up);
    QVERIFY(std::holds_alternative<tensor::QuantizedTensor>(up.weight));
    QVERIFY((model::toMatrix(up.weight).array() == 0.5f).all());
    QCOMPARE(model::outFeatures(up.weight), 48);
    QCOMPARE(model::inFeatures(up.weight), 32);
    // 4-bit codes and f16 scales.
    QCOMPARE(model::storedBytes(up.weight), uint64_t{48 * 16 + 48 * 2 * 2});
  }

  void readsARealModel() {
    const auto gguf = test::sharedData("stories260K/stories260K.f32.gguf");
    NIB_REQUIRE_DATA(gguf);
    const auto fromGguf = model::summarize(*model::openModel(gguf));
    const auto fromHf = model::summarize(*model::openModel(test::sharedData("stories260K/hf")));
    QCOMPARE(fromGguf.parameters, uint64_t{260032});
    QCOMPARE(fromHf.parameters, uint64_t{260032});
    QCOMPARE(fromHf.weightBytes, uint64_t{260032 * 4});
  }
};

NIB_TEST(SummaryTest)
#include "summary_test.moc"
