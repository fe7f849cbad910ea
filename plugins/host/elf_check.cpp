// SPDX-License-Identifier: Apache-2.0
#include "host/elf_check.hpp"

#include "base/error.hpp"
#include "base/mapped_file.hpp"

#include <cstring>

#include <elf.h>

namespace nibblesmith::plugins {

void checkElf(const std::filesystem::path& path) {
  const base::MappedFile file(path);
  const auto bytes = file.bytes();
  const auto fail = [&](const char* what) {
    throw base::Error(base::ErrorCode::Corrupt, "plugin '" + path.string() + "': " + what);
  };
  Elf64_Ehdr header;
  if (bytes.size() < sizeof header)
    fail("expected a library, the file is too short");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_type != ET_DYN)
    fail("expected a 64-bit ELF library, found something else");
  const auto fits = [&](uint64_t offset, uint64_t size) {
    return offset <= bytes.size() && size <= bytes.size() - offset;
  };
  const uint64_t count = header.e_phnum;
  if (header.e_phentsize != sizeof(Elf64_Phdr) || !fits(header.e_phoff, count * sizeof(Elf64_Phdr)))
    fail("damaged: its program headers lie outside the file");
  // Linkers put the section table at the end of a library; if it is cut off, more may be missing.
  if (!fits(header.e_shoff, uint64_t{header.e_shnum} * header.e_shentsize))
    fail("damaged: the file is shorter than its headers say");
  for (uint64_t i = 0; i < count; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, bytes.data() + header.e_phoff + i * sizeof segment, sizeof segment);
    if (segment.p_type == PT_LOAD && !fits(segment.p_offset, segment.p_filesz))
      fail("damaged: the file is shorter than its headers say");
  }
}

} // namespace nibblesmith::plugins
