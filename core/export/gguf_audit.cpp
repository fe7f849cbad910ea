// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "checkpoint/language_part.hpp"
#include "export/gguf.hpp"
#include "export/gguf_metadata.hpp"
#include "export/gguf_plan.hpp"
#include "export/tokenizer_files.hpp"
#include "export/weight_rows.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <sstream>

namespace nibblesmith::exporting {

namespace {

using tensor::DType;
using tensor::TensorView;

constexpr float kF16Relative = 0x1p-11f; ///< half a unit in the last place
constexpr float kF16Smallest = 0x1p-24f; ///< smallest subnormal

/// Returns the largest difference between `found` and the model's values x[0..31] that the definition of the
/// encoding allows, independent of the encoder's code.
float allowedError(const MatrixPlan& plan, const float* x, int64_t count, int64_t at) {
  float minimum = x[0], maximum = x[0];
  for (int64_t i = 1; i < count; ++i) {
    minimum = std::min(minimum, x[i]);
    maximum = std::max(maximum, x[i]);
  }
  const float amax = std::max(std::fabs(minimum), std::fabs(maximum));
  const float halfRounding = amax * 2 * kF16Relative + 32 * kF16Smallest;
  switch (plan.encoding) {
  case Encoding::Verbatim:
  case Encoding::F32:
  case Encoding::KeepCodes:
    return 0;
  case Encoding::F16:
    return std::fabs(x[at]) * kF16Relative + kF16Smallest;
  case Encoding::KeepCodesRoundMinimum: {
    // The minimum is -scale * zeroPoint; the zero point may be 15 steps away from values that are all small.
    return halfRounding + 16 * (maximum - minimum) * kF16Relative + amax * 16 * kF16Relative;
  }
  case Encoding::Rounded:
    break;
  }
  if (plan.dtype == DType::Q8_0)
    return 0.5f * amax / 127 + 127 * kF16Smallest + halfRounding;
  if (plan.dtype == DType::Q4_1)
    return 0.5f * (maximum - minimum) / 15 + 16 * kF16Smallest + 2 * halfRounding;
  // Q4_0 has codes for -8 to 7 steps: a value at +8 is off by a whole step.
  return amax / 8 + 16 * kF16Smallest + halfRounding;
}

/// Compares tensors. The detail gets the first difference and the remarks of the plans.
class Comparison {
public:
  explicit Comparison(const std::stop_token& stop) : m_stop(stop) {}

  void fail(const std::string& name, const std::string& what) {
    if (m_firstFailure.empty())
      m_firstFailure = "'" + name + "': " + what;
  }

  void matrix(const std::string& name, const model::Weight& expected, const model::Weight& found,
              const MatrixPlan& plan) {
    ++m_audit.tensors;
    if (!plan.remark.empty())
      ++m_remarks[plan.remark];
    if (plan.encoding == Encoding::Rounded)
      ++m_rounded;
    const int64_t rows = model::outFeatures(expected), cols = model::inFeatures(expected);
    if (model::outFeatures(found) != rows || model::inFeatures(found) != cols)
      return fail(name, "expected [" + std::to_string(rows) + ", " + std::to_string(cols) + "], found [" +
                            std::to_string(model::outFeatures(found)) + ", " +
                            std::to_string(model::inFeatures(found)) + "]");
    const auto* view = std::get_if<TensorView>(&found);
    if (!view || view->dtype != plan.dtype)
      return fail(name, "expected " + std::string(tensor::toString(plan.dtype)) + ", found " +
                            (view ? view->describe() : std::string("an affine grid")));
    const int64_t step = rowsPerStep(cols);
    for (int64_t begin = 0; begin < rows; begin += step) {
      base::throwIfStopped(m_stop);
      compareRows(name, expected, *view, plan, begin, std::min(rows, begin + step));
    }
  }

  void vector(const std::string& name, TensorView expected, TensorView found) {
    expected.shape.insert(expected.shape.begin(), 1);
    found.shape.insert(found.shape.begin(), 1);
    matrix(name, expected, found, {DType::F32, Encoding::F32, {}});
  }

  void remark(const std::string& text) { m_general += "; " + text; }

  Audit finish(GgufType type) {
    m_audit.passed = m_firstFailure.empty();
    if (!m_audit.passed) {
      m_audit.detail = m_firstFailure;
      return m_audit;
    }
    m_audit.detail = std::to_string(m_audit.tensors) + " tensors read back as " + std::string(toString(type));
    if (m_rounded > 0)
      m_audit.detail += ", " + std::to_string(m_rounded) + " of them rounded to their type";
    for (const auto& [remark, count] : m_remarks)
      m_audit.detail += "; " + std::to_string(count) + " " + remark;
    m_audit.detail += m_general;
    return m_audit;
  }

private:
  /// Requires that the file contains exactly the encoder's output for these rows, and that this is close to
  /// the model's values.
  void compareRows(const std::string& name, const model::Weight& expected, const TensorView& found,
                   const MatrixPlan& plan, int64_t begin, int64_t end) {
    const int64_t cols = found.cols(), count = (end - begin) * cols;
    std::vector<std::byte> bytes(static_cast<size_t>((end - begin) * encodedRowBytes(expected, plan)));
    encodeRows(expected, plan, begin, end, bytes.data(), name);
    const TensorView again = {plan.dtype, {end - begin, cols}, bytes, nullptr};
    std::vector<float> wanted(static_cast<size_t>(count)), got(wanted.size()), model(wanted.size());
    tensor::readRows(again, 0, end - begin, wanted.data());
    tensor::readRows(found, begin, end, got.data());
    readWeightRows(expected, begin, end, model.data());
    for (int64_t i = 0; i < count; ++i) {
      const auto at = static_cast<size_t>(i);
      const float error = std::fabs(model[at] - got[at]);
      m_audit.maxAbsoluteError = std::max(m_audit.maxAbsoluteError, static_cast<double>(error));
      if (wanted[at] == got[at] && (error == 0 || error <= allowed(plan, model, i, cols)))
        continue;
      std::ostringstream text;
      text.precision(9);
      text << "[" << begin + i / cols << ", " << i % cols << "]: expected " << wanted[at]
           << " for the model's " << model[at] << ", found " << got[at];
      return fail(name, text.str());
    }
  }

  static float allowed(const MatrixPlan& plan, const std::vector<float>& values, int64_t i, int64_t cols) {
    const int64_t column = i % cols, block = column / 32 * 32;
    return allowedError(plan, values.data() + (i - column) + block, std::min<int64_t>(32, cols - block),
                        column - block);
  }

  std::stop_token m_stop;
  Audit m_audit;
  int64_t m_rounded = 0;
  std::map<std::string, int64_t> m_remarks;
  std::string m_general;
  std::string m_firstFailure;
};

/// Compares attention kinds; GGUF stores YaRN's magnitude as a factor.
bool sameAttention(const model::AttentionKind& wanted, model::AttentionKind got) {
  if (std::abs(got.rotary.magnitude / wanted.rotary.magnitude - 1.0f) <= 1e-6f)
    got.rotary.magnitude = wanted.rotary.magnitude;
  return wanted == got;
}

void compareConfig(const model::ModelConfig& expected, const model::ModelConfig& found,
                   Comparison& comparison) {
  const auto same = [&](const char* field, auto a, auto b) {
    if (!(a == b))
      comparison.fail(field, "expected " + std::to_string(a) + ", found " + std::to_string(b));
  };
  same("hiddenSize", expected.hiddenSize, found.hiddenSize);
  same("intermediateSize", expected.intermediateSize, found.intermediateSize);
  same("numLayers", expected.numLayers, found.numLayers);
  same("numHeads", expected.numHeads, found.numHeads);
  same("numKeyValueHeads", expected.numKeyValueHeads, found.numKeyValueHeads);
  same("headDim", expected.headDim, found.headDim);
  same("vocabularySize", expected.vocabularySize, found.vocabularySize);
  same("maxPositions", expected.maxPositions, found.maxPositions);
  same("tiedEmbeddings", expected.tiedEmbeddings, found.tiedEmbeddings);
  same("epsilon of the norms", expected.norm.epsilon, found.norm.epsilon);
  same("attention scale", expected.scoreScale(), found.scoreScale());
  same("attention soft cap", expected.attentionSoftCap, found.attentionSoftCap);
  same("final soft cap", expected.finalSoftCap, found.finalSoftCap);
  same("embedding scale", expected.embeddingScale, found.embeddingScale);
  same("parallel branches", expected.parallelBranches, found.parallelBranches);
  if (expected.norm != found.norm || expected.activation != found.activation ||
      expected.queryKeyValueOrder != found.queryKeyValueOrder)
    comparison.fail("architecture",
                    "llama.cpp's takes other norms, activations or fused rows than the model's");
  if (expected.attentionOfLayer != found.attentionOfLayer ||
      expected.attention.size() != found.attention.size())
    return comparison.fail("attention", "llama.cpp's architecture takes other layers as local ones");
  for (size_t kind = 0; kind < expected.attention.size(); ++kind) {
    const model::AttentionKind& wanted = expected.attention[kind];
    const model::AttentionKind& got = found.attention[kind];
    same("attention window", wanted.window, got.window);
    same("rotary dimensions", wanted.rotary.dimensions, got.rotary.dimensions);
    same("rope theta", wanted.rotary.theta, got.rotary.theta);
    if (!sameAttention(wanted, got))
      comparison.fail("rope scaling", "expected other frequencies than those found");
  }
  if (expected.kvCache != found.kvCache)
    comparison.fail("kvCache", "expected " + model::describe(expected.kvCache) + ", found " +
                                   model::describe(found.kvCache));
}

void compareVocabulary(const tokenizer::Vocabulary& expected, const tokenizer::Vocabulary& found,
                       Comparison& comparison) {
  const auto same = [&](const char* field, bool equal) {
    if (!equal)
      comparison.fail(std::string("tokenizer ") + field, "other than the model's");
  };
  same("model", expected.model == found.model);
  same("pre", expected.pre.empty() || expected.pre == found.pre);
  same("tokens", expected.tokens == found.tokens);
  same("scores",
       expected.model == tokenizer::TokenizerModel::ByteLevelBpe || expected.scores == found.scores);
  same("types", expected.types == found.types);
  same("merges", expected.merges == found.merges);
  same("bos", expected.bos < 0 || expected.bos == found.bos);
  same("eos", expected.eos < 0 || expected.eos == found.eos);
  same("addBos", expected.addBos == found.addBos);
  same("addSpacePrefix", expected.model == tokenizer::TokenizerModel::ByteLevelBpe ||
                             expected.addSpacePrefix == found.addSpacePrefix);
  if (expected.model == tokenizer::TokenizerModel::Unigram)
    same("normalization",
         expected.charsMap == found.charsMap && expected.collapseSpaces == found.collapseSpaces);
}

class ModelComparison {
public:
  ModelComparison(const model::Model& expected, const model::Model& found, GgufType type,
                  Comparison& comparison)
      : m_expected(expected), m_found(found), m_type(type), m_comparison(comparison) {}

  void all(const std::stop_token& stop) {
    const model::Weight embedding = m_expected.embedding();
    m_comparison.matrix("embedding", embedding, m_found.embedding(), planEmbedding(embedding, m_type));
    if (const auto positions = m_expected.positionTable())
      m_comparison.matrix("positions", *positions, *m_found.positionTable(), {DType::F32, Encoding::F32, {}});
    norm(m_expected.finalNorm(), m_found.finalNorm());
    if (!m_expected.config().tiedEmbeddings && !m_found.config().tiedEmbeddings) {
      const model::LinearWeights head = m_expected.outputHead(), other = m_found.outputHead();
      m_comparison.matrix(head.name, head.weight, other.weight, planEmbedding(head.weight, m_type));
      bias(head.name, head.bias, other.bias);
    }
    const int64_t layers = std::min(m_expected.config().numLayers, m_found.config().numLayers);
    for (int64_t index = 0; index < layers; ++index) {
      base::throwIfStopped(stop);
      m_expected.checkpoint().releasePages();
      m_found.checkpoint().releasePages();
      block(m_expected.block(index), m_found.block(index));
    }
  }

private:
  void block(const model::BlockWeights& wanted, const model::BlockWeights& got) {
    for (size_t i = 0; i < wanted.norms.size(); ++i)
      norm(wanted.norms[i], got.norms.at(i));
    for (size_t i = 0; i < wanted.linears.size(); ++i) {
      const model::LinearWeights& linear = wanted.linears[i];
      const model::LinearWeights& other = got.linears.at(i);
      m_comparison.matrix(linear.name, linear.weight, other.weight, planLinear(linear.weight, m_type));
      bias(linear.name, linear.bias, other.bias);
    }
  }

  void norm(const model::NormWeights& wanted, const model::NormWeights& got) {
    m_comparison.vector(wanted.name, normWithOffset(m_expected, wanted.weight),
                        normWithOffset(m_found, got.weight));
    bias(wanted.name, wanted.bias, got.bias);
  }

  void bias(const std::string& name, const std::optional<TensorView>& wanted,
            const std::optional<TensorView>& got) {
    if (wanted.has_value() != got.has_value())
      return m_comparison.fail(name + ".bias",
                               wanted ? "expected one, found none" : "expected none, found one");
    if (wanted)
      m_comparison.vector(name + ".bias", *wanted, *got);
  }

  const model::Model& m_expected;
  const model::Model& m_found;
  GgufType m_type;
  Comparison& m_comparison;
};

void remarkOnTokenizer(const tokenizer::Vocabulary& vocabulary, Comparison& comparison) {
  if (vocabulary.pre.empty())
    comparison.remark(
        "the tokenizer's way to cut words has no name in llama.cpp: 'default' was written, which may "
        "cut texts otherwise");
  if (vocabulary.model == tokenizer::TokenizerModel::SentencePieceBpe &&
      (!vocabulary.charsMap.empty() || vocabulary.collapseSpaces))
    comparison.remark(
        "the tokenizer replaces characters or removes blanks before it cuts a text, which llama.cpp does not "
        "for models of byte pairs: texts with such characters get other tokens");
  const auto isByte = [](tokenizer::TokenType type) { return type == tokenizer::TokenType::Byte; };
  if (vocabulary.model == tokenizer::TokenizerModel::Unigram && std::ranges::any_of(vocabulary.types, isByte))
    comparison.remark(
        "llama.cpp takes unknown characters of a unigram tokenizer as one unknown token, not as bytes");
}

/// Compares the token ids of texts. Differences that no GGUF field can avoid become a remark.
void compareTexts(const tokenizer::Tokenizer& expected, const tokenizer::Tokenizer& found,
                  const std::stop_token& stop, Comparison& comparison) {
  const tokenizer::Vocabulary& vocabulary = expected.vocabulary();
  std::vector<TextKind> tolerated = {TextKind::Rare, TextKind::BesideSpecialTokens};
  // llama.cpp does not collapse spaces for BPE, and removes some more than tokenizer.json for unigram models.
  if (vocabulary.collapseSpaces ||
      (vocabulary.model == tokenizer::TokenizerModel::SentencePieceBpe && !vocabulary.charsMap.empty()))
    tolerated.push_back(TextKind::Blanks);
  const TokenizerDifferences differences = compareTokenizers(expected, found, tolerated, stop);
  if (!differences.failure.empty())
    comparison.fail("tokenizer",
                    differences.failure +
                        (vocabulary.pre.empty() ? "; llama.cpp has no name for the way this "
                                                  "tokenizer cuts words"
                                                : "") +
                        ": llama.cpp would not read texts as the model was trained to; use the model's "
                        "directory instead");
  if (!differences.tolerated.empty())
    comparison.remark("llama.cpp makes other tokens than the model's tokenizer of texts with " +
                      differences.tolerated);
}

/// Compares the end tokens of the model and the tokenizer.
void compareEnds(const model::Model& model, const tokenizer::Vocabulary& vocabulary,
                 const model::Model& found, Comparison& comparison) {
  std::set<int32_t> wanted(model.config().eos.begin(), model.config().eos.end());
  if (vocabulary.eos >= 0)
    wanted.insert(vocabulary.eos);
  if (wanted != std::set<int32_t>(found.config().eos.begin(), found.config().eos.end()))
    comparison.fail("tokenizer", "expected the model's tokens that end a text, found others");
}

void remarkOnContext(const model::ModelConfig& config, int64_t written, Comparison& comparison) {
  if (written >= config.maxPositions)
    return;
  const bool isLength = hasLengthDependentAttention(config) && written == config.unscaledPositions();
  comparison.remark(
      (isLength
           ? "llama.cpp does not stretch positions with a text's length, as this model does: the context was "
             "written as the "
           : "llama.cpp's architecture has no attention windows: the context was written as the window's ") +
      std::to_string(written) + " tokens, up to which it makes no difference");
}

bool roundsInputs(const model::Model& model) {
  if (model.config().numLayers == 0)
    return false;
  const model::BlockWeights block = model.block(0);
  return std::any_of(block.linears.begin(), block.linears.end(),
                     [](const auto& linear) { return linear.input.has_value(); });
}

} // namespace

Audit auditGguf(const model::Model& model, const tokenizer::Tokenizer& tokenizer, GgufType type,
                const std::filesystem::path& file, const std::stop_token& stop) {
  Comparison comparison(stop);
  try {
    const auto reopened = model::openModel(file);
    compareConfig(ggufRepresentableConfig(model), reopened->config(), comparison);
    const auto found = tokenizer::loadTokenizer(reopened->checkpoint(), stop);
    compareVocabulary(vocabularyInGguf(tokenizer.vocabulary(), model.embedding().rows()), found->vocabulary(),
                      comparison);
    compareTexts(tokenizer, *found, stop, comparison);
    compareEnds(model, tokenizer.vocabulary(), *reopened, comparison);
    if (chatTemplate(model.checkpoint()) != chatTemplate(reopened->checkpoint()))
      comparison.fail("chat template", "expected the model's, found another one");
    ModelComparison(model, *reopened, type, comparison).all(stop);
    remarkOnContext(model.config(), ggufRepresentableConfig(model).maxPositions, comparison);
    if (const std::string skippedModules = checkpoint::skippedModulesText(model.checkpoint());
        !skippedModules.empty())
      comparison.remark(skippedModules);
    if (model.config().activation == model::Activation::Gelu)
      comparison.remark("llama.cpp computes this architecture's GELU by the approximation with tanh, and "
                        "figures may differ");
    remarkOnTokenizer(tokenizer.vocabulary(), comparison);
    if (roundsInputs(model))
      comparison.remark("GGUF holds weights alone: inputs are not rounded as the model's scheme says, and "
                        "figures may differ");
  } catch (const base::Cancelled&) {
    throw;
  } catch (const std::exception& error) { // base::Error, or another error from a file that has just changed
    comparison.fail(file.filename().string(), error.what());
  }
  return comparison.finish(type);
}

} // namespace nibblesmith::exporting
