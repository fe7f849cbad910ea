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

void Checkpoint::releasePages() const {
  for (const auto& file : files)
    file->releasePages();
}

std::shared_ptr<const Checkpoint> openCheckpoint(const std::filesystem::path& path) {
  std::error_code failure;
  const std::filesystem::file_status status = std::filesystem::status(path, failure);
  if (!std::filesystem::exists(status))
    throw base::Error(base::ErrorCode::NotFound,
                      "no model at '" + path.string() +
                          "': " + (failure ? failure.message() : "no such file or directory"));
  if (std::filesystem::is_directory(status))
    return std::make_shared<const Checkpoint>(openHuggingFace(path));
  return std::make_shared<const Checkpoint>(openGguf(path));
}

std::string contentHash(const Checkpoint& checkpoint, const std::stop_token& stop) {
  // Small enough that a stop is seen within milliseconds even where the bytes come from a slow disk.
  constexpr size_t kPiece = size_t{4} << 20;
  constexpr size_t kMostMapped = size_t{256} << 20;
  size_t mapped = 0;
  base::Sha256 hash;
  hash.update(checkpoint.config.dump(-1, ' ', false, base::Json::error_handler_t::replace));
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
