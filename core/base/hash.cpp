// SPDX-License-Identifier: Apache-2.0
#include "base/hash.hpp"

#include "base/error.hpp"
#include "base/input_file.hpp"
#include "base/progress.hpp"

#include <algorithm>
#include <vector>

#include <nettle/sha2.h>

namespace nibblesmith::base {

struct Sha256::State {
  sha256_ctx context;
};

Sha256::Sha256() : m_state(std::make_unique<State>()) { sha256_init(&m_state->context); }
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::update(std::span<const std::byte> bytes) {
  sha256_update(&m_state->context, bytes.size(), reinterpret_cast<const uint8_t*>(bytes.data()));
  return *this;
}

Sha256& Sha256::update(std::string_view text) { return update(std::as_bytes(std::span(text))); }

std::string Sha256::hexDigest() {
  std::array<uint8_t, SHA256_DIGEST_SIZE> digest{};
  sha256_digest(&m_state->context, digest.size(), digest.data());
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * digest.size());
  for (const uint8_t byte : digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string sha256(std::string_view text) { return Sha256().update(text).hexDigest(); }

namespace {

std::string sha256OfFile(const std::filesystem::path& path, const std::stop_token& stop,
                         const std::function<void(uint64_t)>& onRead) {
  // Small enough to react to a stop within milliseconds even on a slow disk.
  constexpr size_t kPiece = size_t{1} << 20;
  const InputFile file(path);
  std::vector<std::byte> buffer(std::min<uint64_t>(kPiece, file.size()));
  Sha256 hash;
  for (uint64_t done = 0; done < file.size();) {
    throwIfStopped(stop);
    const auto piece = std::span(buffer).first(std::min<uint64_t>(kPiece, file.size() - done));
    file.read(done, piece);
    hash.update(piece);
    done += piece.size();
    if (onRead)
      onRead(piece.size());
  }
  file.requireUnchanged();
  return hash.hexDigest();
}

} // namespace

std::string sha256OfPath(const std::filesystem::path& path, const std::stop_token& stop,
                         const std::function<void(uint64_t)>& onRead) {
  namespace fs = std::filesystem;
  std::error_code failure;
  if (!fs::is_directory(path, failure))
    return sha256OfFile(path, stop, onRead);
  std::vector<fs::path> files;
  for (fs::recursive_directory_iterator entry(path, failure), end; !failure && entry != end;
       entry.increment(failure))
    if (std::error_code ignored; entry->is_regular_file(ignored))
      files.push_back(entry->path());
  if (failure)
    throw Error(ErrorCode::Io, "cannot list the files of '" + path.string() + "': " + failure.message());
  std::sort(files.begin(), files.end());
  Sha256 hash;
  for (const fs::path& file : files)
    hash.update(sha256OfFile(file, stop, onRead) + "  " + file.lexically_relative(path).generic_string() +
                "\n");
  return hash.hexDigest();
}

} // namespace nibblesmith::base
