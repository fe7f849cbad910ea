// SPDX-License-Identifier: Apache-2.0
#include "export/gguf.hpp"

#include "base/error.hpp"
#include "export/gguf_metadata.hpp"
#include "export/gguf_plan.hpp"
#include "export/gguf_writer.hpp"
#include "export/output_directory.hpp"
#include "export/weight_rows.hpp"
#include "model/family.hpp"

#include <algorithm>

namespace nibblesmith::exporting {

namespace {

namespace fs = std::filesystem;
using tensor::DType;
using tensor::TensorView;

constexpr double kWritingShare = 0.7;

/// Passes the tensor to the sink, some rows at a time, in the file's order.
void produceRows(const model::Weight& weight, const MatrixPlan& plan, const RowOrder& order,
                 const std::string& name, const ByteSink& sink) {
  const int64_t rows = model::outFeatures(weight), step = rowsPerStep(model::inFeatures(weight));
  const int64_t rowBytes = encodedRowBytes(weight, plan);
  std::vector<std::byte> bytes(static_cast<size_t>(std::min(rows, step) * rowBytes));
  for (int64_t begin = 0; begin < rows; begin += step) {
    const int64_t end = std::min(rows, begin + step);
    if (order.kind == RowOrder::Kind::AsIs) {
      encodeRows(weight, plan, begin, end, bytes.data(), name);
    } else {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t source = order.source(row);
        encodeRows(weight, plan, source, source + 1, bytes.data() + (row - begin) * rowBytes, name);
      }
    }
    sink(std::span(bytes).first(static_cast<size_t>((end - begin) * rowBytes)));
  }
}

/// Builder for the table of tensors. Weights are fetched twice, for the table and for writing; the builder
/// must outlive the writing.
class TensorTable {
public:
  TensorTable(GgufWriter& writer, const model::Model& model, GgufType type)
      : m_writer(writer), m_model(model), m_family(model.family()), m_type(type) {}

  void addAll(const std::stop_token& stop) {
    matrix(m_family.embedding.gguf, [this] { return model::Weight(m_model.embedding()); }, planEmbedding, {});
    if (m_model.positionTable())
      matrix(
          m_family.positions.gguf, [this] { return model::Weight(*m_model.positionTable()); },
          [](const model::Weight&, GgufType) {
            return MatrixPlan{DType::F32, Encoding::F32, {}};
          },
          {});
    addScaling();
    for (int64_t index = 0; index < m_model.config().numLayers; ++index) {
      base::throwIfStopped(stop);
      addBlock(index);
    }
    norm(m_family.finalNorm.gguf, [this] { return m_model.finalNorm(); });
    if (m_model.config().tiedEmbeddings)
      return;
    matrix(m_family.head.gguf, [this] { return m_model.outputHead().weight; }, planEmbedding, {});
    if (m_model.outputHead().bias)
      vector(m_family.head.gguf + std::string(".bias"), [this] { return *m_model.outputHead().bias; }, {});
  }

private:
  using Plan = MatrixPlan (*)(const model::Weight&, GgufType);

  void addScaling() {
    for (const auto& [name, divisors] : frequencyTensors(m_model.config()))
      m_writer.add({name, DType::F32, {std::ssize(divisors)}, [values = divisors](const ByteSink& sink) {
                      sink(std::as_bytes(std::span(values)));
                    }});
  }

  void addBlock(int64_t index) {
    const model::BlockWeights block = m_model.block(index);
    const std::string prefix = m_family.block.gguf + std::to_string(index) + ".";
    for (size_t i = 0; i < block.norms.size(); ++i)
      norm(prefix + ggufName(m_family, block.norms[i].role),
           [this, index, i] { return m_model.block(index).norms.at(i); });
    for (size_t i = 0; i < block.linears.size(); ++i) {
      const RowOrder order = rowOrder(m_model, block.linears[i].role);
      const std::string name = prefix + ggufName(m_family, block.linears[i].role);
      matrix(
          name, [this, index, i] { return m_model.block(index).linears.at(i).weight; }, planLinear, order);
      if (block.linears[i].bias)
        vector(
            name + ".bias", [this, index, i] { return *m_model.block(index).linears.at(i).bias; }, order);
    }
  }

  void matrix(const std::string& stem, const std::function<model::Weight()>& fetch, Plan makePlan,
              const RowOrder& order) {
    const std::string name = stem + ".weight";
    const model::Weight weight = fetch();
    const MatrixPlan plan = makePlan(weight, m_type);
    m_writer.add({name,
                  plan.dtype,
                  {model::outFeatures(weight), model::inFeatures(weight)},
                  [this, fetch, plan, order, name](const ByteSink& sink) {
                    produceRows(fetch(), plan, order, name, sink);
                    m_model.checkpoint().releasePages();
                  }});
  }

  void norm(const std::string& stem, const std::function<model::NormWeights()>& fetch) {
    vector(stem + ".weight", [this, fetch] { return normWithOffset(m_model, fetch().weight); }, {});
    if (fetch().bias)
      vector(stem + ".bias", [fetch] { return *fetch().bias; }, {});
  }

  /// Adds a norm or bias as f32.
  void vector(const std::string& name, const std::function<TensorView()>& fetch, const RowOrder& order) {
    const auto asColumn = [fetch] {
      TensorView view = fetch();
      view.shape = {view.elements(), 1};
      return view;
    };
    const MatrixPlan plan = {DType::F32, Encoding::F32, {}};
    m_writer.add(
        {name, DType::F32, {fetch().elements()}, [asColumn, plan, order, name](const ByteSink& sink) {
           produceRows(asColumn(), plan, order, name, sink);
         }});
  }

  GgufWriter& m_writer;
  const model::Model& m_model;
  const model::Family& m_family;
  GgufType m_type;
};

void refuseSource(const model::Model& model, const fs::path& out) {
  std::error_code ignored;
  if (fs::equivalent(model.checkpoint().path, out, ignored))
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "'" + out.string() + "' is the model itself: expected another file");
}

} // namespace

std::vector<std::string> ggufTypeNames() {
  std::vector<std::string> names;
  for (const GgufType type : kGgufTypes)
    names.emplace_back(toString(type));
  return names;
}

std::string ggufTypesText() {
  const std::vector<std::string> names = ggufTypeNames();
  std::string text = names.front();
  for (size_t i = 1; i < names.size(); ++i)
    text += (i + 1 == names.size() ? " or " : ", ") + names[i];
  return text;
}

GgufType ggufTypeFromString(const std::string& text) {
  for (const GgufType type : kGgufTypes)
    if (text == toString(type))
      return type;
  throw base::Error(base::ErrorCode::InvalidArgument,
                    "GGUF type: expected " + ggufTypesText() + ", found '" + text + "'");
}

std::string_view toString(GgufType type) { return tensor::toString(blockType(type)); }

Audit exportGguf(const model::Model& model, const tokenizer::Tokenizer& tokenizer, GgufType type,
                 const FileTarget& target, const std::stop_token& stop, base::Progress& progress) {
  refuseSource(model, normalOutput(target.path));
  OutputFile output(target, stop);
  GgufWriter writer;
  addMetadata(writer, model, vocabularyInGguf(tokenizer.vocabulary(), model.embedding().rows()), type);
  TensorTable table(writer, model, type);
  table.addAll(stop);
  base::SubProgress writing(progress, 0, kWritingShare);
  {
    base::AtomicFile file = output.create();
    writer.write(file, stop, writing);
    file.commit();
  }
  progress.report(kWritingShare, "reading it back");
  Audit audit = auditGguf(model, tokenizer, type, output.path(), stop);
  base::throwIfStopped(stop);
  if (!audit.passed)
    return audit;
  if (const std::string kept = output.commit(stop); !kept.empty())
    audit.detail += "; " + kept;
  progress.report(1.0, "written");
  return audit;
}

std::optional<GgufType> losslessGgufType(const model::Model& model) {
  for (const GgufType type : kGgufTypes) {
    bool fits = true;
    bool anyBlocks = type == GgufType::F16;
    for (int64_t index = 0; index < model.config().numLayers && fits; ++index) {
      const model::BlockWeights block = model.block(index);
      fits = std::all_of(block.linears.begin(), block.linears.end(), [&](const model::LinearWeights& linear) {
        if (const auto* quantized = std::get_if<tensor::QuantizedTensor>(&linear.weight);
            quantized && !quantized->isAffine())
          return true;
        const Encoding encoding = planLinear(linear.weight, type).encoding;
        anyBlocks = true;
        return encoding == Encoding::Verbatim || encoding == Encoding::KeepCodes ||
               encoding == Encoding::KeepCodesRoundMinimum;
      });
    }
    if (fits && anyBlocks)
      return type;
  }
  return std::nullopt;
}

} // namespace nibblesmith::exporting
