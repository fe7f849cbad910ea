// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "memory_checkpoint.hpp"
#include "model/family.hpp"
#include "nib_test.hpp"

#include <QTest>

#include <cstring>

using namespace nibblesmith;
using base::ErrorCode;
using test::TinyLlama;

namespace {

const char* const kDown = "model.layers.1.mlp.down_proj.weight";

std::string errorOf(const std::shared_ptr<checkpoint::Checkpoint>& checkpoint, ErrorCode code) {
  try {
    model::openModel(checkpoint);
  } catch (const base::Error& error) {
    return error.code() == code ? error.what() : std::string("another code: ") + error.what();
  }
  return "opened";
}

bool has(const std::string& text, const char* word) { return text.find(word) != std::string::npos; }

} // namespace

class LlamaTest : public QObject {
  Q_OBJECT

private slots:
  void givesTheSameWeightsFromBothFormats() {
    const auto first = model::openModel(TinyLlama{}.huggingFace());
    const auto second = model::openModel(TinyLlama{}.gguf());
    for (int64_t layer = 0; layer < 2; ++layer) {
      const auto a = first->block(layer);
      const auto b = second->block(layer);
      for (size_t i = 0; i < a.linears.size(); ++i) {
        QCOMPARE(b.linears[i].name, a.linears[i].name);
        QVERIFY(model::toMatrix(a.linears[i].weight) == model::toMatrix(b.linears[i].weight));
      }
    }
    QCOMPARE(first->block(1).linear(model::LinearRole::Down).name,
             std::string("model.layers.1.mlp.down_proj"));
    QCOMPARE(first->block(0).linear(model::LinearRole::Query).name,
             std::string("model.layers.0.self_attn.q_proj"));
    // Negative control: the row order of the GGUF file differs.
    const auto gguf = TinyLlama{}.gguf();
    QVERIFY(tensor::toMatrix(gguf->tensor("blk.0.attn_q.weight")) !=
            model::toMatrix(second->block(0).linear(model::LinearRole::Query).weight));
  }

  void ordersBlockQuantizedRows() {
    // Q8_0 rows of 32 columns: scale 1, codes = row number.
    constexpr int64_t kRows = 16;
    auto bytes = std::make_shared<std::vector<std::byte>>(kRows * 34);
    for (size_t row = 0; row < kRows; ++row) {
      const uint16_t one = 0x3C00;
      std::memcpy(bytes->data() + row * 34, &one, 2);
      for (size_t i = 0; i < 32; ++i)
        (*bytes)[row * 34 + 2 + i] = static_cast<std::byte>(row);
    }
    tensor::TensorView view{tensor::DType::Q8_0, {kRows, 32}, *bytes, bytes};
    const tensor::Matrix ordered = tensor::toMatrix(model::toHalfSplitRows(view, 8));
    const float expected[kRows] = {0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15};
    for (int64_t row = 0; row < kRows; ++row)
      QVERIFY((ordered.row(row).array() == expected[row]).all());
    QVERIFY_EXCEPTION_THROWN(model::toHalfSplitRows(view, 7), base::Error);
    QVERIFY_EXCEPTION_THROWN(model::toHalfSplitRows(view, 32), base::Error);
  }

  void tiesEmbeddings() {
    TinyLlama tiny;
    tiny.tied = true;
    for (const auto& checkpoint : {tiny.huggingFace(), tiny.gguf()}) {
      const auto model = model::openModel(checkpoint);
      QVERIFY(model->config().tiedEmbeddings);
      QCOMPARE(model->outputHead().name, std::string("lm_head"));
      QCOMPARE(std::get<tensor::TensorView>(model->outputHead().weight).bytes.data(),
               model->embedding().bytes.data());
    }
    const auto untied = model::openModel(TinyLlama{}.huggingFace());
    QVERIFY(model::toMatrix(untied->outputHead().weight) != tensor::toMatrix(untied->embedding()));
  }

  void readsBiasesWhereTheConfigSaysSo() {
    const auto checkpoint = TinyLlama{}.huggingFace();
    checkpoint->config["attention_bias"] = true;
    QVERIFY(has(errorOf(checkpoint, ErrorCode::NotFound), "model.layers.0.self_attn.q_proj.bias"));
    for (const char* layer : {"0", "1"})
      for (const char* name : {"q_proj", "k_proj", "v_proj", "o_proj"}) {
        const int64_t size = name[0] == 'k' || name[0] == 'v' ? 16 : 32;
        auto bias = tensor::ownedView(tensor::Matrix::Constant(1, size, 0.5f));
        bias.shape = {size};
        checkpoint->tensors[std::string("model.layers.") + layer + ".self_attn." + name + ".bias"] = bias;
      }
    const auto model = model::openModel(checkpoint);
    QVERIFY(model->block(1).linear(model::LinearRole::Key).bias.has_value());
    QVERIFY(!model->block(1).linear(model::LinearRole::Up).bias.has_value());
  }

  void refusesFewerLayersThanTheFileHas() {
    for (const auto& [checkpoint, key, tensor] :
         {std::tuple{TinyLlama{}.huggingFace(), "num_hidden_layers", "model.layers.1.input_layernorm.weight"},
          std::tuple{TinyLlama{}.gguf(), "llama.block_count", "blk.1.attn_norm.weight"}}) {
      checkpoint->config[key] = 1;
      const std::string error = errorOf(checkpoint, ErrorCode::Corrupt);
      QVERIFY2(has(error, "number of layers") && has(error, tensor), error.c_str());
    }
  }

  void aVocabularyAloneIsNoModel() {
    const auto checkpoint = TinyLlama{}.gguf();
    checkpoint->tensors.clear();
    QVERIFY(has(errorOf(checkpoint, ErrorCode::NotFound), "only a vocabulary"));
  }

  void namesWrongTensors() {
    auto checkpoint = TinyLlama{}.huggingFace();
    checkpoint->tensors.erase(kDown);
    QVERIFY(has(errorOf(checkpoint, ErrorCode::NotFound), kDown));

    checkpoint = TinyLlama{}.huggingFace();
    checkpoint->tensors[kDown].shape = {48, 32};
    const std::string message = errorOf(checkpoint, ErrorCode::Corrupt);
    QVERIFY2(has(message, kDown) && has(message, "expected shape [32, 48]") &&
                 has(message, "found [48, 32] F32"),
             message.c_str());

    checkpoint = TinyLlama{}.huggingFace();
    checkpoint->tensors[kDown].dtype = tensor::DType::I32;
    QVERIFY(has(errorOf(checkpoint, ErrorCode::NotSupported), "I32"));

    checkpoint = TinyLlama{}.huggingFace();
    checkpoint->tensors["model.norm.weight"].shape = {31};
    QVERIFY(has(errorOf(checkpoint, ErrorCode::Corrupt), "model.norm.weight"));

    checkpoint = TinyLlama{}.gguf();
    checkpoint->tensors.erase("token_embd.weight");
    QVERIFY(has(errorOf(checkpoint, ErrorCode::NotFound), "token_embd.weight"));

    checkpoint = TinyLlama{}.gguf();
    checkpoint->tensors["rope_freqs.weight"] = checkpoint->tensor("output_norm.weight");
    QVERIFY(has(errorOf(checkpoint, ErrorCode::Corrupt), "rope_freqs.weight"));

    checkpoint = TinyLlama{}.huggingFace();
    checkpoint->tensors["model.layers.0.self_attn.q_proj.bias"] = checkpoint->tensor("model.norm.weight");
    QVERIFY(has(errorOf(checkpoint, ErrorCode::NotSupported), "model.layers.0.self_attn.q_proj.bias"));

    const auto model = model::openModel(TinyLlama{}.huggingFace());
    QVERIFY_EXCEPTION_THROWN(model->block(2), base::Error);
    QVERIFY_EXCEPTION_THROWN(model->block(-1), base::Error);
  }
};

NIB_TEST(LlamaTest)
#include "llama_test.moc"
