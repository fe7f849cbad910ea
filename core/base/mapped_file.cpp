// SPDX-License-Identifier: Apache-2.0
#include "base/mapped_file.hpp"

#include "base/error.hpp"
#include "base/units.hpp"

#include <sys/mman.h>
#include <sys/stat.h>

namespace nibblesmith::base {

namespace {

/// Rejects a file that is nearly all holes: reading it makes memory and work out of nothing. File systems
/// that compress report fewer blocks for real files, too, but weights do not shrink to a 64th.
void refuseHoles(const InputFile& file) {
  constexpr uint64_t kSmallest = uint64_t{16} << 20;
  constexpr uint64_t kLeastShare = 64;
  constexpr uint64_t kBlockBytes = 512; // of st_blocks, see stat(3type)
  struct stat info {};
  if (file.size() < kSmallest || ::fstat(file.descriptor(), &info) != 0)
    return;
  const uint64_t stored = static_cast<uint64_t>(info.st_blocks) * kBlockBytes;
  if (stored < file.size() / kLeastShare)
    throw Error(ErrorCode::Corrupt, "'" + file.path().string() + "': expected " + formatBytes(file.size()) +
                                        " of content, found " + formatBytes(stored) +
                                        " on disk and holes in between (an unfinished download or "
                                        "copy?); fetch the file again");
}

} // namespace

MappedFile::MappedFile(const std::filesystem::path& path)
    : m_file(path), m_size(static_cast<size_t>(m_file.size())) {
  if (m_size == 0)
    return;
  refuseHoles(m_file);
  void* address = ::mmap(nullptr, m_size, PROT_READ, MAP_PRIVATE, m_file.descriptor(), 0);
  if (address == MAP_FAILED)
    throwErrno("map", path.string());
  m_data = static_cast<const std::byte*>(address);
  m_guard.emplace(address, m_size);
}

MappedFile::~MappedFile() {
  m_guard.reset();
  if (m_data)
    ::munmap(const_cast<std::byte*>(m_data), m_size);
}

void MappedFile::requireUnchanged() const {
  m_file.requireUnchanged();
  if (m_guard && m_guard->faulted())
    throw Error(ErrorCode::Io,
                "cannot read '" + path().string() + "': expected " + std::to_string(m_size) +
                    " bytes, found that some of them could "
                    "not be read (cut short meanwhile, or a failing disk?); start again when the "
                    "file is complete");
}

void MappedFile::releasePages() const {
  requireUnchanged();
  if (m_data)
    ::madvise(const_cast<std::byte*>(m_data), m_size, MADV_DONTNEED);
}

} // namespace nibblesmith::base
