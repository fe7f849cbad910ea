// SPDX-License-Identifier: Apache-2.0
#include "quantization/block_file.hpp"

#include "base/error.hpp"
#include "base/hash.hpp"
#include "checkpoint/safetensors_reader.hpp"
#include "checkpoint/safetensors_writer.hpp"
#include "tensor/half.hpp"

#include <cstdio>
#include <cstring>

namespace nibblesmith::quantization {

namespace {

using base::Error;
using base::ErrorCode;
using base::Json;
using Bytes = std::vector<std::byte>;

constexpr const char* kDescription = "block";
constexpr int kSchema = 1;

size_t rowBytes(const tensor::QuantizedTensor& q) {
  return static_cast<size_t>((q.inFeatures * q.bits + 7) / 8);
}

Bytes packedCodes(const tensor::QuantizedTensor& q) {
  Bytes bytes(static_cast<size_t>(q.outFeatures) * rowBytes(q));
  for (int64_t o = 0; o < q.outFeatures; ++o) {
    std::byte* row = bytes.data() + static_cast<size_t>(o) * rowBytes(q);
    const uint8_t* codes = q.codes.data() + o * q.inFeatures;
    uint32_t pending = 0;
    int filled = 0;
    for (int64_t i = 0; i < q.inFeatures; ++i) {
      pending |= static_cast<uint32_t>(codes[i]) << filled;
      for (filled += q.bits; filled >= 8; filled -= 8, pending >>= 8)
        *row++ = static_cast<std::byte>(pending);
    }
    if (filled > 0)
      *row = static_cast<std::byte>(pending);
  }
  return bytes;
}

void unpackCodes(std::span<const std::byte> bytes, tensor::QuantizedTensor& q) {
  q.codes.resize(static_cast<size_t>(q.outFeatures * q.inFeatures));
  const uint32_t mask = (1u << q.bits) - 1;
  for (int64_t o = 0; o < q.outFeatures; ++o) {
    const std::byte* row = bytes.data() + static_cast<size_t>(o) * rowBytes(q);
    uint8_t* codes = q.codes.data() + o * q.inFeatures;
    uint32_t pending = 0;
    int filled = 0;
    for (int64_t i = 0; i < q.inFeatures; ++i) {
      if (filled < q.bits) {
        pending |= std::to_integer<uint32_t>(*row++) << filled;
        filled += 8;
      }
      codes[i] = static_cast<uint8_t>(pending & mask);
      pending >>= q.bits;
      filled -= q.bits;
    }
  }
}

Bytes bytesOf(const void* data, size_t size) {
  const auto* begin = static_cast<const std::byte*>(data);
  return {begin, begin + size};
}

std::string scalesName(size_t index) { return "input_scales." + std::to_string(index); }

template <typename EigenType>
checkpoint::TensorToWrite floats(const std::string& name, std::vector<int64_t> shape,
                                 const EigenType& values) {
  return {name, tensor::DType::F32, std::move(shape),
          [v = &values] { return bytesOf(v->data(), static_cast<size_t>(v->size()) * sizeof(float)); }};
}

void addCodeBooks(const std::string& name, const tensor::QuantizedTensor& q,
                  std::vector<checkpoint::TensorToWrite>& tensors) {
  tensors.push_back(floats(name + ".scales", {q.outFeatures, q.groups()}, q.scales));
  tensors.push_back(floats(name + ".code_books", {q.codeBooks.rows(), q.codeBooks.cols()}, q.codeBooks));
  if (!q.nestedScales)
    return;
  const auto* nested = &*q.nestedScales;
  tensors.push_back({name + ".scale_codes", tensor::DType::U8, {std::ssize(nested->codes)}, [nested] {
                       return bytesOf(nested->codes.data(), nested->codes.size());
                     }});
  tensors.push_back(floats(name + ".scale_absmax", {nested->absmax.size()}, nested->absmax));
}

/// Returns the tensors of a block file except its description, in file order.
std::vector<checkpoint::TensorToWrite> tensorsOf(const BlockFile& block) {
  std::vector<checkpoint::TensorToWrite> tensors;
  for (size_t i = 0; i < block.scales.size(); ++i) {
    const tensor::Vector* s = &block.scales[i].s;
    tensors.push_back({scalesName(i), tensor::DType::F32, {s->size()}, [s] {
                         return bytesOf(s->data(), static_cast<size_t>(s->size()) * sizeof(float));
                       }});
  }
  for (const auto& [name, q] : block.linears) {
    const auto* t = &q;
    tensors.push_back(
        {name + ".codes", tensor::DType::U8, {q.outFeatures, static_cast<int64_t>(rowBytes(q))}, [t] {
           return packedCodes(*t);
         }});
    if (q.isAffine()) {
      tensors.push_back({name + ".scales", tensor::DType::F16, {q.outFeatures, q.groups()}, [t] {
                           std::vector<uint16_t> scales(static_cast<size_t>(t->scales.size()));
                           tensor::f32ToF16(t->scales.data(), scales.data(), t->scales.size());
                           return bytesOf(scales.data(), scales.size() * 2);
                         }});
      tensors.push_back({name + ".zero_points", tensor::DType::U8, {q.outFeatures, q.groups()}, [t] {
                           return bytesOf(t->zeroPoints.data(), t->zeroPoints.size());
                         }});
    } else {
      addCodeBooks(name, q, tensors);
    }
    if (!q.groupIndex.empty())
      tensors.push_back({name + ".group_index", tensor::DType::I32, {q.inFeatures}, [t] {
                           return bytesOf(t->groupIndex.data(), t->groupIndex.size() * 4);
                         }});
  }
  return tensors;
}

/// SHA-256 of the description without its checksum and of names and bytes of all tensors, in name order.
std::string checksum(Json description, const std::map<std::string, std::span<const std::byte>>& tensors) {
  description.erase("checksum");
  base::Sha256 hash;
  hash.update(description.dump());
  for (const auto& [name, bytes] : tensors)
    hash.update("\n" + name + "\n").update(bytes);
  return hash.hexDigest();
}

class Reader {
public:
  explicit Reader(const std::filesystem::path& path)
      : m_origin(path.string()), m_file(std::make_shared<const base::MappedFile>(path)),
        m_tensors(checkpoint::readSafetensors(m_file)) {}

  void requireUnchanged() const { m_file->requireUnchanged(); }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::Corrupt, m_origin + ": " + what);
  }

  Json description() const {
    const auto bytes = tensorBytes(kDescription);
    return base::parseJson({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, m_origin);
  }

  std::string contentChecksum(const Json& description) const {
    std::map<std::string, std::span<const std::byte>> contents;
    for (const auto& [name, view] : m_tensors)
      if (name != kDescription)
        contents[name] = view.bytes;
    return checksum(description, contents);
  }

  tensor::QuantizedTensor linear(const std::string& name, const Json& json) const {
    tensor::QuantizedTensor q;
    q.outFeatures = base::required<int64_t>(json, "outFeatures", m_origin);
    q.inFeatures = base::required<int64_t>(json, "inFeatures", m_origin);
    q.bits = base::required<int>(json, "bits", m_origin);
    q.groupSize = base::required<int64_t>(json, "groupSize", m_origin);
    q.symmetric = base::required<bool>(json, "symmetric", m_origin);
    constexpr int64_t kLargest = int64_t{1} << 31;
    if (q.outFeatures < 1 || q.inFeatures < 1 || q.outFeatures > kLargest || q.inFeatures > kLargest ||
        q.bits < 2 || q.bits > 8 || q.groupSize < 1)
      fail("linear '" + name + "': impossible sizes " + base::briefJson(json));
    unpackCodes(sized(name + ".codes", static_cast<size_t>(q.outFeatures) * rowBytes(q)), q);
    if (m_tensors.contains(name + ".code_books"))
      readCodeBooks(name, json, q);
    else
      readAffineGroups(name, q);
    if (m_tensors.contains(name + ".group_index")) {
      const auto index = sized(name + ".group_index", 4 * static_cast<size_t>(q.inFeatures));
      q.groupIndex.resize(static_cast<size_t>(q.inFeatures));
      std::memcpy(q.groupIndex.data(), index.data(), index.size());
    }
    q.validate(name);
    return q;
  }

  StageScales scales(size_t index, const Json& stage) const {
    const auto bytes = tensorBytes(scalesName(index));
    StageScales result;
    if (!stage.is_number_integer() || bytes.empty() || bytes.size() % sizeof(float) != 0)
      fail("tensor '" + scalesName(index) + "': expected a stage and its scales");
    result.stage = stage.get<int>();
    result.s.resize(static_cast<int64_t>(bytes.size() / sizeof(float)));
    std::memcpy(result.s.data(), bytes.data(), bytes.size());
    return result;
  }

private:
  void readAffineGroups(const std::string& name, tensor::QuantizedTensor& q) const {
    const auto groups = static_cast<size_t>(q.outFeatures * q.groups());
    const auto scales = sized(name + ".scales", 2 * groups);
    const auto zeros = sized(name + ".zero_points", groups);
    q.scales.resize(q.outFeatures, q.groups());
    std::vector<uint16_t> halves(groups);
    std::memcpy(halves.data(), scales.data(), scales.size());
    tensor::f16ToF32(halves.data(), q.scales.data(), q.scales.size());
    q.zeroPoints.resize(groups);
    std::memcpy(q.zeroPoints.data(), zeros.data(), groups);
  }

  void readCodeBooks(const std::string& name, const Json& json, tensor::QuantizedTensor& q) const {
    const auto read = [&](const std::string& part, tensor::Matrix& values, int64_t columns) {
      const auto bytes = tensorBytes(name + part);
      const size_t rowBytes = static_cast<size_t>(columns) * sizeof(float);
      if (bytes.empty() || bytes.size() % rowBytes != 0)
        fail("tensor '" + name + part + "': expected rows of " + std::to_string(columns) + " values, found " +
             std::to_string(bytes.size()) + " bytes");
      values.resize(static_cast<int64_t>(bytes.size() / rowBytes), columns);
      std::memcpy(values.data(), bytes.data(), bytes.size());
    };
    read(".scales", q.scales, q.groups());
    read(".code_books", q.codeBooks, int64_t{1} << q.bits);
    if (!json.contains("nestedOffset"))
      return;
    tensor::NestedScales& nested = q.nestedScales.emplace();
    const auto codes = tensorBytes(name + ".scale_codes");
    nested.codes.resize(codes.size());
    std::memcpy(nested.codes.data(), codes.data(), codes.size());
    tensor::Matrix absmax;
    read(".scale_absmax", absmax, 1);
    nested.absmax = absmax.col(0);
    nested.offset = base::required<float>(json, "nestedOffset", m_origin);
  }

  std::span<const std::byte> tensorBytes(const std::string& name) const {
    const auto found = m_tensors.find(name);
    if (found == m_tensors.end())
      fail("tensor '" + name + "' is missing");
    return found->second.bytes;
  }

  std::span<const std::byte> sized(const std::string& name, size_t size) const {
    const auto bytes = tensorBytes(name);
    if (bytes.size() != size)
      fail("tensor '" + name + "': expected " + std::to_string(size) + " bytes, found " +
           std::to_string(bytes.size()));
    return bytes;
  }

  std::string m_origin;
  std::shared_ptr<const base::MappedFile> m_file;
  std::map<std::string, tensor::TensorView> m_tensors;
};

} // namespace

std::string blockFileName(int64_t index) {
  char name[48];
  std::snprintf(name, sizeof name, "block-%04lld.safetensors", static_cast<long long>(index));
  return name;
}

std::filesystem::path blockFilePath(const std::filesystem::path& directory, int64_t index) {
  return directory / blockFileName(index);
}

void writeBlockFile(base::AtomicFile& out, const std::string& fingerprint, const BlockFile& file) {
  Json description = {{"schema", kSchema},
                      {"fingerprint", fingerprint},
                      {"linears", Json::object()},
                      {"reports", Json::array()}};
  for (const auto& [name, q] : file.linears) {
    description["linears"][name] = {{"outFeatures", q.outFeatures},
                                    {"inFeatures", q.inFeatures},
                                    {"bits", q.bits},
                                    {"groupSize", q.groupSize},
                                    {"symmetric", q.symmetric}};
    if (q.nestedScales)
      description["linears"][name]["nestedOffset"] = q.nestedScales->offset;
  }
  for (const auto& [name, scheme] : file.inputs)
    description["inputs"][name] = tensor::toJson(scheme);
  for (const StageScales& scales : file.scales)
    description["inputScales"].push_back(scales.stage);
  for (const LayerReport& report : file.reports)
    description["reports"].push_back(toJson(report));
  auto tensors = tensorsOf(file);
  std::map<std::string, Bytes> contents;
  for (auto& tensor : tensors) {
    contents[tensor.name] = tensor.bytes();
    tensor.bytes = [bytes = &contents[tensor.name]] { return *bytes; };
  }
  description["checksum"] = checksum(description, {contents.begin(), contents.end()});
  const std::string text = description.dump();
  tensors.push_back({kDescription, tensor::DType::U8, {static_cast<int64_t>(text.size())}, [&text] {
                       return bytesOf(text.data(), text.size());
                     }});
  checkpoint::writeSafetensors(out, tensors, {{"format", "nibblesmith block"}});
}

BlockFile readBlockFile(const std::filesystem::path& path, const std::string& fingerprint) {
  const Reader reader(path);
  const Json description = reader.description();
  const std::string origin = path.string();
  if (base::required<int>(description, "schema", origin) != kSchema ||
      base::required<std::string>(description, "fingerprint", origin) != fingerprint)
    throw Error(ErrorCode::InvalidArgument, origin + ": belongs to another model, recipe or calibration set");
  const auto expected = base::required<std::string>(description, "checksum", origin);
  if (const std::string found = reader.contentChecksum(description); found != expected)
    reader.fail("checksum: expected " + expected + ", found " + found);
  BlockFile file;
  for (const auto& [name, json] : base::requiredObject(description, "linears", origin).items())
    file.linears.emplace(name, reader.linear(name, json));
  for (const auto& [name, scheme] : base::optionalObject(description, "inputs", origin).items())
    file.inputs.emplace(name, tensor::activationSchemeFromJson(scheme, origin + ": input of '" + name + "'"));
  if (description.contains("inputScales"))
    for (const Json& stage : base::requiredArray(description, "inputScales", origin))
      file.scales.push_back(reader.scales(file.scales.size(), stage));
  for (const Json& report : base::requiredArray(description, "reports", origin))
    file.reports.push_back(layerReportFromJson(report, origin));
  reader.requireUnchanged();
  return file;
}

} // namespace nibblesmith::quantization
