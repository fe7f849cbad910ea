// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "export/artifact.hpp"
#include "export/dense_bytes.hpp"
#include "export/final_weights.hpp"
#include "export/provenance.hpp"
#include "export/tokenizer_files.hpp"
#include "export/weight_rows.hpp"
#include "quantization/kv_cache.hpp"

#include <algorithm>

namespace nibblesmith::exporting {

namespace {

using tensor::QuantizedTensor;
using tensor::TensorView;

/// Compares tensor by tensor, and puts the first difference into the audit's detail.
class Comparison {
public:
  explicit Comparison(const std::stop_token& stop) : m_stop(stop) {}

  void linear(const model::LinearWeights& expected, const model::LinearWeights& found) {
    const auto* wanted = std::get_if<QuantizedTensor>(&expected.weight);
    const auto* got = std::get_if<QuantizedTensor>(&found.weight);
    if (wanted && got) {
      quantized(expected.name, *wanted, *got);
    } else if (wanted || got) {
      ++m_audit.tensors;
      fail(expected.name, wanted ? "expected a quantized linear, found an unquantized one"
                                 : "expected an unquantized linear, found a quantized one");
    } else {
      dense(expected.name, std::get<TensorView>(expected.weight), std::get<TensorView>(found.weight));
    }
    if (expected.input != found.input)
      fail(expected.name, "expected " + inputText(expected.input) + ", found " + inputText(found.input));
    bias(expected.name, expected.bias, found.bias);
  }

  void norm(const model::NormWeights& expected, const model::NormWeights& found) {
    dense(expected.name, expected.weight, found.weight);
    bias(expected.name, expected.bias, found.bias);
  }

  void dense(const std::string& name, const TensorView& expected, const TensorView& found) {
    ++m_audit.tensors;
    const tensor::DType type = artifactType(expected.dtype);
    const Difference difference = compareWeights(
        asRows(expected), asRows(found),
        [type](float* values, int64_t count) { roundTo(type, values, count); }, m_stop);
    record(name, difference);
  }

  void fail(const std::string& name, const std::string& what) {
    if (m_firstFailure.empty())
      m_firstFailure = "'" + name + "': " + what;
  }

  void remark(const std::string& text) { m_remarks += "; " + text; }

  Audit finish() {
    m_audit.passed = m_firstFailure.empty();
    m_audit.detail = m_audit.passed ? std::to_string(m_quantized) + " quantized and " +
                                          std::to_string(m_audit.tensors - m_quantized) +
                                          " other tensors read back as they were evaluated" + m_remarks
                                    : m_firstFailure;
    return m_audit;
  }

private:
  static std::string inputText(const std::optional<tensor::ActivationScheme>& input) {
    return input ? "input " + input->describe() + ", scale " + std::to_string(input->scale)
                 : "an input that is not rounded";
  }

  void bias(const std::string& name, const std::optional<TensorView>& expected,
            const std::optional<TensorView>& found) {
    if (expected.has_value() != found.has_value())
      fail(name, expected ? "expected a bias, found none" : "expected no bias, found one");
    else if (expected)
      dense(name + ".bias", *expected, *found);
  }

  /// Converts a vector to a matrix of one row, the form that Weight expects.
  static TensorView asRows(TensorView view) {
    if (view.shape.size() == 1)
      view.shape.insert(view.shape.begin(), 1);
    return view;
  }

  void quantized(const std::string& name, const QuantizedTensor& expected, const QuantizedTensor& found) {
    ++m_audit.tensors;
    ++m_quantized;
    const Difference difference = compareWeights(expected, found, {}, m_stop);
    if (found.bits != expected.bits)
      fail(name, "expected " + std::to_string(expected.bits) + " bits, found " + std::to_string(found.bits));
    else if (found.groups() != expected.groups() || found.groupIndex != expected.groupIndex)
      fail(name, "expected " + std::to_string(expected.groups()) + " groups, found " +
                     std::to_string(found.groups()) + " or other ones");
    else if (found.codes != expected.codes)
      fail(name, "other codes than those that were evaluated");
    else if (found.isAffine() != expected.isAffine() || found.nestedScales != expected.nestedScales)
      fail(name, "other scales than those that were evaluated");
    else if (found.zeroPoints != expected.zeroPoints)
      fail(name, "other zero points than those that were evaluated");
    record(name, difference);
  }

  void record(const std::string& name, const Difference& difference) {
    m_audit.maxAbsoluteError = std::max(m_audit.maxAbsoluteError, difference.maxAbsoluteError);
    if (difference.first)
      fail(name, *difference.first);
  }

  std::stop_token m_stop;
  Audit m_audit;
  int64_t m_quantized = 0;
  std::string m_firstFailure;
  std::string m_remarks;
};

bool sameEnds(std::vector<int32_t> a, std::vector<int32_t> b) {
  std::ranges::sort(a);
  std::ranges::sort(b);
  return a == b;
}

void compareModels(const quantization::QuantizedModel& quantized, const model::Model& found,
                   const std::stop_token& stop, Comparison& comparison) {
  FinalWeights expected(quantized);
  const model::Model& source = expected.source();
  if (found.config().numLayers != source.config().numLayers)
    return comparison.fail("config.json", "expected " + std::to_string(source.config().numLayers) +
                                              " layers, found " + std::to_string(found.config().numLayers));
  if (const auto scheme = quantization::kvCacheScheme(quantized.recipe.kvCache);
      found.config().kvCache != scheme)
    return comparison.fail("config.json", "expected the key-value cache " + model::describe(scheme) +
                                              ", found " + model::describe(found.config().kvCache));
  if (found.config().bos != source.config().bos || !sameEnds(found.config().eos, source.config().eos))
    comparison.fail("config.json", "expected the source's tokens that begin and end a text, found others");
  comparison.dense("embedding", source.embedding(), found.embedding());
  if (source.positionTable())
    comparison.dense("positions", *source.positionTable(), *found.positionTable());
  comparison.norm(source.finalNorm(), found.finalNorm());
  if (!source.config().tiedEmbeddings)
    comparison.linear(expected.outputHead(), found.outputHead());
  for (int64_t index = 0; index < source.config().numLayers; ++index) {
    base::throwIfStopped(stop);
    found.checkpoint().releasePages();
    const model::BlockWeights& wanted = expected.block(index);
    const model::BlockWeights got = found.block(index);
    for (size_t i = 0; i < wanted.norms.size(); ++i)
      comparison.norm(wanted.norms[i], got.norms.at(i));
    for (size_t i = 0; i < wanted.linears.size(); ++i)
      comparison.linear(wanted.linears[i], got.linears.at(i));
  }
}

void compareTokenizer(const checkpoint::Checkpoint& source, const checkpoint::Checkpoint& found,
                      const std::stop_token& stop, Comparison& comparison) {
  if (chatTemplate(source) != chatTemplate(found))
    comparison.fail("chat template", "expected the source's, found another one");
  std::shared_ptr<const tokenizer::Tokenizer> expected;
  try {
    expected = tokenizer::loadTokenizer(source, stop);
  } catch (const base::Error& error) {
    if (source.format == checkpoint::Format::Gguf)
      throw;
    // Its files were copied unchanged for programs that support them.
    return comparison.remark(std::string("the tokenizer was not tried, as the source's cannot be opened: ") +
                             error.what());
  }
  const TokenizerDifferences differences =
      compareTokenizers(*expected, *tokenizer::loadTokenizer(found, stop), kToleratedInFiles, stop);
  if (!differences.failure.empty())
    comparison.fail("tokenizer", differences.failure);
  if (!differences.tolerated.empty())
    comparison.remark("other tokens than with the source for texts with " + differences.tolerated);
}

void compareFiles(const std::filesystem::path& directory, const std::stop_token& stop,
                  Comparison& comparison) {
  const std::string origin = (directory / kProvenanceFile).string();
  const base::Json json = base::readJsonFile(origin);
  const base::Json& listed = base::requiredObject(json, "files", origin);
  const auto found = fileHashes(directory, stop);
  for (const auto& [name, hash] : found)
    if (base::optional<std::string>(listed, name, "", origin + ": 'files'") != hash)
      comparison.fail(name, "the file is not the one that nibblesmith.json lists");
  for (const auto& [name, hash] : listed.items())
    if (!found.contains(name))
      comparison.fail(name, "nibblesmith.json lists the file, but it is not there");
}

} // namespace

Audit auditArtifact(const quantization::QuantizedModel& quantized, const std::filesystem::path& directory,
                    const std::stop_token& stop) {
  Comparison comparison(stop);
  try {
    const auto reopened = model::openModel(directory);
    compareTokenizer(quantized.source->checkpoint(), reopened->checkpoint(), stop, comparison);
    compareModels(quantized, *reopened, stop, comparison);
    compareFiles(directory, stop, comparison);
  } catch (const base::Cancelled&) {
    throw;
  } catch (const std::exception& error) { // base::Error, or JSON errors from files that have just changed
    comparison.fail(directory.filename().string(), error.what());
  }
  return comparison.finish();
}

} // namespace nibblesmith::exporting
