// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/checkpoint.hpp"

#include "base/hash.hpp"
#include "checkpoint/gguf_reader.hpp"
#include "checkpoint/huggingface_reader.hpp"

#include <algorithm>

namespace nibblesmith::checkpoint {

const tensor::TensorView& Checkpoint::tensor(const std::string& name) const {
  const auto found = tensors.find(name);
  if (found == tensors.end())
    throw base::Error(base::ErrorCode::NotFound, "'" + path.string() + "': tensor '" + name + "' is missing");
  return found->second;
}

void Checkpoint::requireUnchanged() const {
  for (const auto& file : files)
    file->requireUnchanged();
}

void Checkpoint::releasePages() const {
  for (const auto& file : files)
    file->releasePages();
}

std::shared_ptr<const Checkpoint> openCheckpoint(const std::filesystem::path& path,
                                                 const std::stop_token& stop) {
  std::error_code failure;
  const std::filesystem::file_status status = std::filesystem::status(path, failure);
  if (!std::filesystem::exists(status))
    throw base::Error(base::ErrorCode::NotFound,
                      "no model at '" + path.string() +
                          "': " + (failure ? failure.message() : "no such file or directory"));
  if (std::filesystem::is_directory(status))
    return std::make_shared<const Checkpoint>(openHuggingFace(path, stop));
  return std::make_shared<const Checkpoint>(openGguf(path, stop));
}

void requireTensorCount(uint64_t count, const std::string& origin) {
  constexpr uint64_t kMaxTensors = 1'000'000;
  if (count > kMaxTensors)
    throw base::Error(base::ErrorCode::Corrupt, origin + ": expected at most " + std::to_string(kMaxTensors) +
                                                    " tensors, found " + std::to_string(count));
}

namespace {

/// Hashes the configuration as compact JSON, one entry at a time: serializing it as a whole could double the
/// memory.
void hashConfig(const base::Json& config, base::Sha256& hash, const std::stop_token& stop) {
  const auto text = [](const base::Json& value) {
    return value.dump(-1, ' ', false, base::Json::error_handler_t::replace);
  };
  if (!config.is_object()) {
    hash.update(text(config));
    return;
  }
  hash.update("{");
  for (auto entry = config.begin(); entry != config.end(); ++entry) {
    base::throwIfStopped(stop);
    hash.update((entry == config.begin() ? "" : ",") + text(entry.key()) + ":");
    hash.update(text(*entry));
  }
  hash.update("}");
}

} // namespace

std::string contentHash(const Checkpoint& checkpoint, const std::stop_token& stop) {
  // Small enough to react to a stop within milliseconds even on a slow disk.
  constexpr size_t kPiece = size_t{4} << 20;
  constexpr size_t kMostMapped = size_t{256} << 20;
  size_t mapped = 0;
  base::Sha256 hash;
  hashConfig(checkpoint.config, hash, stop);
  for (const auto& [name, view] : checkpoint.tensors) {
    hash.update("\n" + name + " " + view.describe() + "\n");
    for (size_t at = 0; at < view.bytes.size(); at += kPiece) {
      base::throwIfStopped(stop);
      hash.update(view.bytes.subspan(at, std::min(kPiece, view.bytes.size() - at)));
      mapped += kPiece;
      if (mapped >= kMostMapped) {
        checkpoint.releasePages();
        mapped = 0;
      }
    }
  }
  checkpoint.releasePages();
  return hash.hexDigest();
}

} // namespace nibblesmith::checkpoint
