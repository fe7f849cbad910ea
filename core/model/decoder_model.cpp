// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/json.hpp"
#include "checkpoint/quantized_linear.hpp"
#include "model/family.hpp"

namespace nibblesmith::model {

namespace {

using base::ErrorCode;
using tensor::TensorView;

std::string shapeText(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t size : shape)
    text += (text.empty() ? "[" : ", ") + std::to_string(size);
  return text + "]";
}

/// Returns rows [begin, begin + count) of a matrix, or elements of a vector.
TensorView rowsOf(const TensorView& view, int64_t begin, int64_t count) {
  TensorView part = view;
  part.shape.front() = count;
  const size_t rowBytes = view.bytes.size() / static_cast<size_t>(view.shape.front());
  part.bytes =
      view.bytes.subspan(static_cast<size_t>(begin) * rowBytes, static_cast<size_t>(count) * rowBytes);
  return part;
}

/// Subtracts the offset, because GGUF files store norm weights with the offset added.
TensorView withoutOffset(const TensorView& weight, float offset) {
  tensor::Matrix values = tensor::toVector(weight).transpose();
  values.array() -= offset;
  TensorView view = tensor::ownedView(std::move(values));
  view.shape = weight.shape;
  return view;
}

class DecoderModel final : public Model {
public:
  DecoderModel(const Family& family, std::shared_ptr<const checkpoint::Checkpoint> checkpoint)
      : m_family(family), m_checkpoint(std::move(checkpoint)),
        m_gguf(m_checkpoint->format == checkpoint::Format::Gguf), m_config(family.readConfig(*m_checkpoint)) {
    checkConfig(m_config, configOrigin(*m_checkpoint));
    m_prefixMissing = !m_gguf && !m_family.optionalPrefix.empty() &&
                      !m_checkpoint->has(std::string(m_family.embedding.huggingFace) + ".weight");
    checkTensors();
  }

  const Family& family() const override { return m_family; }
  const ModelConfig& config() const override { return m_config; }
  const checkpoint::Checkpoint& checkpoint() const override { return *m_checkpoint; }

  TensorView embedding() const override {
    return tensor(nameInFile(m_family.embedding) + ".weight", {m_config.vocabularySize, m_config.hiddenSize});
  }
  std::optional<TensorView> positionTable() const override {
    if (!m_family.positions.huggingFace)
      return std::nullopt;
    return tensor(nameInFile(m_family.positions) + ".weight", {m_config.maxPositions, m_config.hiddenSize});
  }
  NormWeights finalNorm() const override {
    return norm(m_family.finalNorm.huggingFace, nameInFile(m_family.finalNorm), NormRole::Final);
  }

  LinearWeights outputHead() const override {
    if (m_config.tiedEmbeddings)
      return {m_family.head.huggingFace, embedding(), std::nullopt, std::nullopt, LinearRole::Head};
    return linear({LinearRole::Head, m_family.head, m_family.headHasBias ? Bias::Always : Bias::None},
                  m_family.head.huggingFace, nameInFile(m_family.head));
  }

  BlockWeights block(int64_t index) const override {
    if (index < 0 || index >= m_config.numLayers)
      throw base::Error(ErrorCode::InvalidArgument, "decoder block: expected 0 to " +
                                                        std::to_string(m_config.numLayers - 1) + ", found " +
                                                        std::to_string(index));
    BlockWeights block;
    block.index = index;
    for (const NormEntry& entry : m_family.norms)
      block.norms.push_back(
          norm(canonicalName(index, entry.names), nameInFile(index, entry.names), entry.role));
    for (const LinearEntry& entry : m_family.linears)
      block.linears.push_back(
          linear(entry, canonicalName(index, entry.names), nameInFile(index, entry.names)));
    return block;
  }

private:
  std::string nameInFile(const TensorNames& names) const {
    if (m_gguf)
      return names.gguf;
    const std::string_view name = names.huggingFace;
    const bool cut = m_prefixMissing && name.starts_with(m_family.optionalPrefix);
    return std::string(cut ? name.substr(m_family.optionalPrefix.size()) : name);
  }
  std::string nameInFile(int64_t index, const TensorNames& names) const {
    return nameInFile(m_family.block) + std::to_string(index) + "." +
           (m_gguf ? names.gguf : names.huggingFace);
  }
  std::string canonicalName(int64_t index, const TensorNames& names) const {
    return m_family.block.huggingFace + std::to_string(index) + "." + names.huggingFace;
  }

  std::pair<int64_t, int64_t> shape(LinearRole role) const {
    const int64_t hidden = m_config.hiddenSize;
    const int64_t queries = m_config.numHeads * m_config.headDim;
    const int64_t keys = m_config.numKeyValueHeads * m_config.headDim;
    switch (role) {
    case LinearRole::Query:
      return {queries, hidden};
    case LinearRole::Key:
    case LinearRole::Value:
      return {keys, hidden};
    case LinearRole::QueryKeyValue:
      return {queries + 2 * keys, hidden};
    case LinearRole::Output:
      return {hidden, queries};
    case LinearRole::Gate:
    case LinearRole::Up:
      return {m_config.intermediateSize, hidden};
    case LinearRole::GateUp:
      return {2 * m_config.intermediateSize, hidden};
    case LinearRole::Down:
      return {hidden, m_config.intermediateSize};
    case LinearRole::Head:
      break;
    }
    return {m_config.vocabularySize, hidden};
  }

  /// Beginning of every error message about a tensor.
  std::string where(const std::string& name) const {
    return m_checkpoint->path.string() + ": tensor '" + name + "'";
  }

  TensorView tensor(const std::string& name, const std::vector<int64_t>& expected) const {
    const TensorView& found = m_checkpoint->tensor(name);
    if (found.shape != expected)
      throw base::Error(ErrorCode::Corrupt, where(name) + ": expected shape " + shapeText(expected) +
                                                ", found " + found.describe());
    if (!tensor::isFloat(found.dtype) && !tensor::isBlockQuantized(found.dtype))
      throw base::Error(ErrorCode::NotSupported,
                        where(name) + ": expected floating-point or block-quantized weights, found " +
                            found.describe());
    return found;
  }

  NormWeights norm(std::string canonical, const std::string& name, NormRole role) const {
    const bool ofHeads = role == NormRole::Query || role == NormRole::Key;
    const int64_t size = ofHeads ? m_config.headDim : m_config.hiddenSize;
    NormWeights norm{std::move(canonical), tensor(name + ".weight", {size}), std::nullopt, role};
    if (m_gguf && m_config.norm.offset != 0)
      norm.weight = withoutOffset(norm.weight, m_config.norm.offset);
    if (m_config.norm.kind == Norm::Kind::Layer)
      norm.bias = tensor(name + ".bias", {size});
    return norm;
  }

  /// Reads weight and input scheme of a quantized linear into `result`.
  void readQuantized(const std::string& name, int64_t out, int64_t in, LinearWeights& result) const {
    checkpoint::QuantizedLinear linear = checkpoint::readQuantizedLinear(*m_checkpoint, name);
    if (linear.outFeatures() != out || linear.inFeatures() != in)
      throw base::Error(ErrorCode::Corrupt, where(name) + ": expected shape " + shapeText({out, in}) +
                                                ", found " +
                                                shapeText({linear.outFeatures(), linear.inFeatures()}));
    result.weight = std::move(linear.weight);
    result.input = linear.input;
  }

  bool isQuantized(const std::string& name) const {
    return !m_gguf && checkpoint::isQuantizedLinear(*m_checkpoint, name);
  }
  bool isTransposed(LinearRole role) const {
    return !m_gguf && m_family.transposedLinears && role != LinearRole::Head;
  }
  /// Returns the weight in the file's row order.
  TensorView storedWeight(const std::string& name, LinearRole role) const {
    const auto [out, in] = shape(role);
    if (const std::string fused = fusedName(name, role); !fused.empty())
      return partOfFused(tensor(fused + ".weight", {shape(LinearRole::QueryKeyValue).first, in}), role);
    return tensor(name + ".weight", isTransposed(role) ? std::vector{in, out} : std::vector{out, in});
  }
  TensorView storedBias(const std::string& name, LinearRole role) const {
    if (const std::string fused = fusedName(name, role); !fused.empty())
      return partOfFused(tensor(fused + ".bias", {shape(LinearRole::QueryKeyValue).first}), role);
    return tensor(name + ".bias", {shape(role).first});
  }

  /// Name of the fused query-key-value tensor that holds this linear, which llama.cpp accepts for every
  /// architecture; empty if the file has a separate tensor.
  std::string fusedName(const std::string& name, LinearRole role) const {
    const bool isPart = role == LinearRole::Query || role == LinearRole::Key || role == LinearRole::Value;
    if (!m_gguf || !isPart || m_checkpoint->has(name + ".weight"))
      return {};
    const std::string fused = name.substr(0, name.rfind('.') + 1) + "attn_qkv";
    return m_checkpoint->has(fused + ".weight") ? fused : std::string();
  }
  TensorView partOfFused(const TensorView& fused, LinearRole role) const {
    const int64_t queries = shape(LinearRole::Query).first, keys = shape(LinearRole::Key).first;
    if (role == LinearRole::Query)
      return rowsOf(fused, 0, queries);
    return rowsOf(fused, role == LinearRole::Key ? queries : queries + keys, keys);
  }

  bool hasBias(const LinearEntry& entry, const std::string& name) const {
    if (entry.bias == Bias::Always)
      return true;
    if (m_gguf) {
      const std::string fused = fusedName(name, entry.role);
      return m_checkpoint->has((fused.empty() ? name : fused) + ".bias");
    }
    if (entry.bias != Bias::None &&
        base::optional<bool>(m_checkpoint->config,
                             entry.bias == Bias::AttentionFlag ? "attention_bias" : "mlp_bias", false,
                             configOrigin(*m_checkpoint)))
      return true;
    // Some quantizers write all-zero biases for every linear.
    if (m_checkpoint->has(name + ".bias") &&
        !tensor::toVector(m_checkpoint->tensor(name + ".bias")).isZero(0))
      throw base::Error(ErrorCode::NotSupported,
                        where(name + ".bias") + ": expected none for this architecture and its config");
    return false;
  }

  LinearWeights linear(const LinearEntry& entry, std::string canonical, const std::string& name) const {
    const auto [out, in] = shape(entry.role);
    LinearWeights result;
    result.name = std::move(canonical);
    result.role = entry.role;
    if (isQuantized(name))
      readQuantized(name, out, in, result);
    else if (isTransposed(entry.role))
      result.weight = transposed(storedWeight(name, entry.role));
    else
      result.weight = toHuggingFaceRows(storedWeight(name, entry.role), entry.role);
    if (hasBias(entry, name))
      result.bias = toHuggingFaceRows(storedBias(name, entry.role), entry.role);
    return result;
  }

  /// Permutes rows from GGUF's order to Hugging Face's.
  TensorView toHuggingFaceRows(TensorView view, LinearRole role) const {
    const bool rotary = role == LinearRole::Query || role == LinearRole::Key;
    if (m_gguf && m_family.ggufInterleavesRotary && rotary)
      return toHalfSplitRows(view, m_config.headDim);
    if (m_gguf && role == LinearRole::QueryKeyValue &&
        m_config.queryKeyValueOrder == QueryKeyValueOrder::Heads)
      return toHeadRows(view, m_config.headDim, m_config.numHeads);
    return view;
  }

  void checkLinear(const LinearEntry& entry, const std::string& name) const {
    if (!isQuantized(name))
      storedWeight(name, entry.role);
    if (hasBias(entry, name))
      storedBias(name, entry.role);
  }

  /// Checks names and shapes of all tensors without reading weights, so that a model that opens can run.
  void checkTensors() const {
    embedding();
    positionTable();
    finalNorm();
    if (!m_config.tiedEmbeddings)
      checkLinear({LinearRole::Head, m_family.head, m_family.headHasBias ? Bias::Always : Bias::None},
                  nameInFile(m_family.head));
    for (int64_t index = 0; index < m_config.numLayers; ++index) {
      for (const NormEntry& entry : m_family.norms)
        norm({}, nameInFile(index, entry.names), entry.role);
      for (const LinearEntry& entry : m_family.linears)
        checkLinear(entry, nameInFile(index, entry.names));
    }
    const std::string next = nameInFile(m_config.numLayers, m_family.norms.front().names) + ".weight";
    if (m_checkpoint->has(next))
      throw base::Error(ErrorCode::Corrupt,
                        configOrigin(*m_checkpoint) +
                            ": number of layers: expected the number of blocks in the file, found " +
                            std::to_string(m_config.numLayers) + ", but the file has the tensor '" + next +
                            "'");
  }

  const Family& m_family;
  std::shared_ptr<const checkpoint::Checkpoint> m_checkpoint;
  bool m_gguf;
  ModelConfig m_config;
  bool m_prefixMissing = false;
};

} // namespace

std::shared_ptr<const Model> openAs(const Family& family,
                                    std::shared_ptr<const checkpoint::Checkpoint> checkpoint) {
  return std::make_shared<DecoderModel>(family, std::move(checkpoint));
}

} // namespace nibblesmith::model
