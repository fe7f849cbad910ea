// SPDX-License-Identifier: Apache-2.0
#include "base/hash.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
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

std::string sha256OfFile(const std::filesystem::path& path, const std::stop_token& stop) {
  // Small enough that a stop is seen within milliseconds even where the bytes come from a slow disk, and that
  // no large file stays in memory.
  constexpr size_t kPiece = size_t{4} << 20;
  const MappedFile file(path);
  Sha256 hash;
  for (auto rest = file.bytes(); !rest.empty(); rest = rest.subspan(std::min(rest.size(), kPiece))) {
    throwIfStopped(stop);
    hash.update(rest.first(std::min(rest.size(), kPiece)));
    file.releasePages();
  }
  return hash.hexDigest();
}

} // namespace

std::string sha256OfPath(const std::filesystem::path& path, const std::stop_token& stop) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(path))
    return sha256OfFile(path, stop);
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path))
    if (entry.is_regular_file())
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  Sha256 hash;
  for (const fs::path& file : files)
    hash.update(sha256OfFile(file, stop) + "  " + fs::relative(file, path).generic_string() + "\n");
  return hash.hexDigest();
}

} // namespace nibblesmith::base
