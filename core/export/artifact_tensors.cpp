// SPDX-License-Identifier: Apache-2.0
#include "export/artifact_tensors.hpp"

#include "base/error.hpp"
#include "checkpoint/bitsandbytes.hpp"
#include "export/dense_bytes.hpp"
#include "export/int_quantized.hpp"
#include "export/pack_bitsandbytes.hpp"
#include "export/pack_quantized.hpp"
#include "model/family.hpp"

#include <functional>

namespace nibblesmith::exporting {

namespace {

using tensor::DType;
using tensor::QuantizedTensor;
using tensor::TensorView;

/// Collects the tensors. A producer fetches its weights again when it is called, so only one block is in
/// memory.
class Planner {
public:
  /// Starts with an empty list. transposes: the family's files store linears as [inFeatures, outFeatures].
  Planner(ArtifactTensors& out, bool transposes, std::stop_token stop)
      : m_out(out), m_transposes(transposes), m_stop(std::move(stop)) {}

  void dense(const std::string& name, const std::function<TensorView()>& fetch) {
    const TensorView view = fetch();
    const DType type = artifactType(view.dtype);
    add(name, type, view.shape, [fetch, type, name] { return denseBytes(fetch(), type, name); });
  }

  void linear(const std::function<const model::LinearWeights&()>& fetch) {
    const model::LinearWeights& weights = fetch();
    const std::string name = weights.name;
    m_out.linears.push_back(layoutOf(weights));
    const auto* quantized = std::get_if<QuantizedTensor>(&weights.weight);
    const auto fetchQuantized = [fetch]() -> const QuantizedTensor& {
      return std::get<QuantizedTensor>(fetch().weight);
    };
    if (quantized && weights.input && weights.input->outlierThreshold > 0)
      llmInt8(name, *quantized, fetchQuantized);
    else if (quantized && weights.input)
      integers(name, *quantized, *weights.input, fetchQuantized);
    else if (quantized)
      packed(name, *quantized, fetchQuantized);
    else
      dense(name + ".weight", [fetch, turn = m_transposes && weights.role != model::LinearRole::Head] {
        const auto& view = std::get<TensorView>(fetch().weight);
        return turn ? model::transposed(view) : view;
      });
    if (fetch().bias)
      dense(name + ".bias", [fetch] { return *fetch().bias; });
  }

private:
  using Fetch = std::function<const QuantizedTensor&()>;

  /// Returns a function that adds one tensor of a linear per call.
  auto partsOf(const std::string& name, const Fetch& fetch) {
    return [this, name, fetch](const std::string& suffix, DType type, std::vector<int64_t> shape,
                               std::vector<std::byte> (*pack)(const QuantizedTensor&)) {
      add(name + suffix, type, std::move(shape), [fetch, pack] { return pack(fetch()); });
    };
  }

  /// Adds the tensors of compressed-tensors' int-quantized format.
  void integers(const std::string& name, const QuantizedTensor& q, const tensor::ActivationScheme& input,
                const Fetch& fetch) {
    const auto part = partsOf(name, fetch);
    part(".weight", DType::I8, {q.outFeatures, q.inFeatures}, signedCodes);
    part(".weight_scale", DType::F16, {q.outFeatures, q.groups()}, packScales);
    if (!q.symmetric)
      part(".weight_zero_point", DType::I8, {q.outFeatures, q.groups()}, signedZeroPoints);
    if (!q.groupIndex.empty())
      part(".weight_g_idx", DType::I32, {q.inFeatures}, packGroupIndex);
    if (input.isDynamic)
      return;
    add(name + ".input_scale", DType::F16, {1}, [input] { return inputScale(input); });
    if (!input.symmetric)
      add(name + ".input_zero_point", DType::I8, {1}, [input] { return inputZeroPoint(input); });
  }

  /// Adds the tensors of bitsandbytes' LLM.int8() layout.
  void llmInt8(const std::string& name, const QuantizedTensor& q, const Fetch& fetch) {
    const auto part = partsOf(name, fetch);
    part(".weight", DType::I8, {q.outFeatures, q.inFeatures}, signedCodes);
    part(".SCB", DType::F32, {q.outFeatures}, rowMagnitudes);
    part(".weight_format", DType::U8, {}, rowFormat);
  }

  void packed(const std::string& name, const QuantizedTensor& q, const Fetch& fetch) {
    const auto part = partsOf(name, fetch);
    if (!q.isAffine()) {
      part(".weight", DType::U8, {q.outFeatures * q.inFeatures / 2, 1}, packNibbles);
      part(".weight.absmax", q.nestedScales ? DType::U8 : DType::F32, {q.scales.size()}, packAbsmax);
      part(".weight.quant_map", DType::F32, {q.codeBooks.cols()}, packQuantMap);
      if (q.nestedScales) {
        part(".weight.nested_absmax", DType::F32, {q.nestedScales->absmax.size()}, packNestedAbsmax);
        part(".weight.nested_quant_map", DType::F32, {256}, packNestedQuantMap);
      }
      part(".weight" + std::string(checkpoint::kBitsandbytesState) + bitsandbytesType(q), DType::U8,
           {std::ssize(packQuantState(q))}, packQuantState);
      return;
    }
    part(".weight_packed", DType::I32, {q.outFeatures, packedWords(q.inFeatures, q.bits)}, packCodes);
    part(".weight_scale", DType::F16, {q.outFeatures, q.groups()}, packScales);
    if (!q.symmetric)
      part(".weight_zero_point", DType::I32, {packedWords(q.outFeatures, q.bits), q.groups()},
           packZeroPoints);
    part(".weight_shape", DType::I64, {2}, packShape);
    if (!q.groupIndex.empty())
      part(".weight_g_idx", DType::I32, {q.inFeatures}, packGroupIndex);
  }

  void add(const std::string& name, DType type, std::vector<int64_t> shape,
           std::function<std::vector<std::byte>()> produce) {
    int64_t elements = 1;
    for (const int64_t size : shape)
      elements *= size;
    m_out.totalBytes += tensor::storageBytes(type, elements);
    m_out.tensors.push_back({name, type, std::move(shape), [stop = m_stop, produce = std::move(produce)] {
                               base::throwIfStopped(stop);
                               return produce();
                             }});
  }

  ArtifactTensors& m_out;
  bool m_transposes;
  std::stop_token m_stop;
};

/// Adds weight and bias of a norm.
void planNorm(Planner& planner, const std::function<model::NormWeights()>& fetch) {
  const model::NormWeights norm = fetch();
  planner.dense(norm.name + ".weight", [fetch] { return fetch().weight; });
  if (norm.bias)
    planner.dense(norm.name + ".bias", [fetch] { return *fetch().bias; });
}

void planBlock(Planner& planner, const std::shared_ptr<FinalWeights>& weights, int64_t index) {
  for (size_t i = 0; i < weights->block(index).norms.size(); ++i)
    planNorm(planner, [weights, index, i] { return weights->block(index).norms[i]; });
  for (size_t i = 0; i < weights->block(index).linears.size(); ++i)
    planner.linear(
        [weights, index, i]() -> const model::LinearWeights& { return weights->block(index).linears.at(i); });
}

} // namespace

LinearLayout layoutOf(const model::LinearWeights& linear) {
  LinearLayout layout;
  layout.name = linear.name;
  const auto* quantized = std::get_if<QuantizedTensor>(&linear.weight);
  if (!quantized)
    return layout;
  layout.quantized = true;
  layout.bits = quantized->bits;
  layout.symmetric = quantized->symmetric;
  layout.groupSize = quantized->groups() == 1 ? 0 : quantized->groupSize;
  layout.groupIndexed = !quantized->groupIndex.empty();
  if (!quantized->isAffine()) {
    layout.bitsandbytes = bitsandbytesType(*quantized);
    layout.nestedScales = quantized->nestedScales.has_value();
  }
  layout.input = linear.input;
  layout.tailGroup = layout.groupSize > 0 && quantized->inFeatures % quantized->groupSize != 0;
  return layout;
}

ArtifactTensors planTensors(const std::shared_ptr<FinalWeights>& weights, const std::stop_token& stop) {
  ArtifactTensors result;
  const model::Model& source = weights->source();
  const model::Family& family = source.family();
  Planner planner(result, family.transposedLinears, stop);
  planner.dense(family.embedding.huggingFace + std::string(".weight"),
                [weights] { return weights->source().embedding(); });
  if (source.positionTable())
    planner.dense(family.positions.huggingFace + std::string(".weight"),
                  [weights] { return *weights->source().positionTable(); });
  for (int64_t index = 0; index < source.config().numLayers; ++index) {
    base::throwIfStopped(stop);
    planBlock(planner, weights, index);
  }
  planNorm(planner, [weights] { return weights->source().finalNorm(); });
  if (!source.config().tiedEmbeddings) {
    const auto head = std::make_shared<const model::LinearWeights>(weights->outputHead());
    planner.linear([head]() -> const model::LinearWeights& { return *head; });
  }
  return result;
}

} // namespace nibblesmith::exporting
