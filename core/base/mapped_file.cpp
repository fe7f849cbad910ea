// SPDX-License-Identifier: Apache-2.0
#include "base/mapped_file.hpp"

#include "base/error.hpp"

#include <sys/mman.h>

namespace nibblesmith::base {

MappedFile::MappedFile(const std::filesystem::path& path)
    : m_file(path), m_size(static_cast<size_t>(m_file.size())) {
  if (m_size == 0)
    return;
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
