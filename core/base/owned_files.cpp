// SPDX-License-Identifier: Apache-2.0
#include "base/owned_files.hpp"

#include "base/error.hpp"
#include "base/foreign_text.hpp"
#include "base/random_id.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <span>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nibblesmith::base {

namespace {

namespace fs = std::filesystem;

constexpr size_t kMostNames = 5;
constexpr std::string_view kTemporaryPrefix = ".writing-";
constexpr size_t kIdDigits = 32;
constexpr size_t kPiece = size_t{1} << 20;

/// RAII owner of a file descriptor.
class Descriptor {
public:
  explicit Descriptor(int file) : m_file(file) {}
  ~Descriptor() {
    if (m_file >= 0)
      ::close(m_file);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return m_file; }
  int release() { return std::exchange(m_file, -1); }

private:
  int m_file;
};

bool isSafeName(const std::string& name) {
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = std::string_view(name).substr(begin, end - begin);
    if (part.empty() || part == "." || part == ".." || part.find('\0') != std::string_view::npos)
      return false;
    begin = end + 1;
  }
  return true;
}

bool isTemporaryName(const std::string& name) {
  const std::string_view leaf = std::string_view(name).substr(name.rfind('/') + 1); // npos + 1 is 0
  return leaf.starts_with(kTemporaryPrefix) && leaf.size() == kTemporaryPrefix.size() + kIdDigits &&
         leaf.find_first_not_of("0123456789abcdef", kTemporaryPrefix.size()) == std::string_view::npos;
}

int openDirectory(int parent, const std::string& name) {
  return ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

struct CloseDirectory {
  void operator()(DIR* stream) const { ::closedir(stream); }
};

/// Opens the directory that contains the last part of a name. Returns -1 in the descriptor if it is not a
/// real directory.
Descriptor openParentOf(int directory, const std::string& name) {
  int parent = openDirectory(directory, ".");
  for (size_t begin = 0, end = name.find('/'); parent >= 0 && end != std::string::npos;
       begin = end + 1, end = name.find('/', begin)) {
    const Descriptor before(parent);
    parent = openDirectory(before.get(), name.substr(begin, end - begin));
  }
  return Descriptor(parent);
}

/// Returns the names in an open directory, without closing it.
std::vector<std::string> namesIn(int directory, const fs::path& shownPath) {
  Descriptor copy(openDirectory(directory, "."));
  const std::unique_ptr<DIR, CloseDirectory> stream(copy.get() < 0 ? nullptr : ::fdopendir(copy.get()));
  if (!stream)
    throwErrno("read directory", shownPath.string());
  copy.release();
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get()))
    if (const std::string_view name = entry->d_name; name != "." && name != "..")
      names.emplace_back(name);
  if (errno != 0)
    throwErrno("read directory", shownPath.string());
  std::sort(names.begin(), names.end());
  return names;
}

/// Returns the SHA-256 of an open file; empty if it cannot be read.
std::string digestOf(int file, const std::stop_token& stop) {
  Sha256 digest;
  std::vector<std::byte> buffer(kPiece);
  while (true) {
    throwIfStopped(stop);
    const ssize_t count = ::read(file, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return {};
    if (count == 0)
      return digest.hexDigest();
    digest.update(std::span(buffer).first(static_cast<size_t>(count)));
  }
}

bool isSameFile(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && S_ISREG(b.st_mode);
}

} // namespace

std::string temporaryFileName() { return std::string(kTemporaryPrefix) + randomId(); }

void ForeignEntries::add(const std::string& name) {
  if (names.size() < kMostNames)
    names.push_back(name);
  ++count;
}

std::string ForeignEntries::text() const {
  std::string text;
  for (const std::string& name : names)
    text += (text.empty() ? "'" : ", '") + foreignText(name, 100) + "'";
  if (count > names.size())
    text += " and " + std::to_string(count - names.size()) + " more";
  return text;
}

bool OwnedFiles::add(const WrittenFile& file) {
  if (!isSafeName(file.name))
    return false;
  m_files[file.name].push_back({file.sizeBytes, file.sha256});
  return true;
}

bool OwnedFiles::add(const WrittenFile& file, const struct stat& info) {
  m_stamps[file.name] = stampOf(info);
  return add(file);
}

OwnedFiles::Stamp OwnedFiles::stampOf(const struct stat& info) {
  return {static_cast<uint64_t>(info.st_dev), static_cast<uint64_t>(info.st_ino),
          static_cast<uint64_t>(info.st_size),
          int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec};
}

bool OwnedFiles::addTemporary(const std::string& name) {
  return isSafeName(name) && isTemporaryName(name) && (m_temporaries.insert(name), true);
}

bool OwnedFiles::addDirectory(const std::string& name) {
  return isSafeName(name) && (m_directories.insert(name), true);
}

void OwnedFiles::exclude(const std::string& name) { m_leftAlone.insert(name); }

/// One pass over a directory: visits every entry and, if requested, removes owned ones.
struct OwnedFiles::Walk {
  const OwnedFiles& list;
  const std::stop_token& stop;
  Check check;
  bool removes;
  ForeignEntries foreign = {};

  bool isDirectory(const std::string& name) const {
    const auto below = list.m_files.lower_bound(name + "/");
    return list.m_directories.contains(name) ||
           (below != list.m_files.end() && below->first.starts_with(name + "/"));
  }

  /// Returns true if an entry of the open directory is a listed regular file.
  bool isOurs(int directory, const std::string& entry, const std::string& name,
              const struct stat& info) const {
    if (!S_ISREG(info.st_mode))
      return false;
    if (list.m_temporaries.contains(name))
      return true;
    const auto listed = list.m_files.find(name);
    if (listed == list.m_files.end())
      return false;
    if (check == Check::Names)
      return true;
    if (const auto known = list.m_stamps.find(name);
        known != list.m_stamps.end() && known->second == stampOf(info))
      return true;
    const auto size = static_cast<uint64_t>(info.st_size);
    const auto hasSize = [size](const Content& c) { return c.sizeBytes == size; };
    if (std::none_of(listed->second.begin(), listed->second.end(), hasSize))
      return false;
    const Descriptor file(
        ::openat(directory, entry.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    struct stat open {};
    if (file.get() < 0 || ::fstat(file.get(), &open) != 0 || !isSameFile(info, open))
      return false;
    const std::string digest = digestOf(file.get(), stop);
    return std::any_of(listed->second.begin(), listed->second.end(),
                       [&](const Content& c) { return hasSize(c) && c.sha256 == digest; });
  }

  void removeFile(int directory, const std::string& entry, const struct stat& seen, const fs::path& path) {
    // The name may refer to another file by now.
    struct stat now {};
    if (::fstatat(directory, entry.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0 || !isSameFile(seen, now))
      return;
    if (::unlinkat(directory, entry.c_str(), 0) != 0 && errno != ENOENT)
      throwErrno("remove", path.string());
  }

  void entriesOf(int directory, const std::string& prefix, const fs::path& shownPath) {
    for (const std::string& entry : namesIn(directory, shownPath)) {
      throwIfStopped(stop);
      const std::string name = prefix + entry;
      struct stat info {};
      if (list.m_leftAlone.contains(name) ||
          ::fstatat(directory, entry.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
        continue;
      if (isOurs(directory, entry, name, info)) {
        if (removes)
          removeFile(directory, entry, info, shownPath / entry);
      } else if (S_ISDIR(info.st_mode) && isDirectory(name)) {
        subdirectory(directory, entry, name, shownPath / entry);
      } else if (S_ISDIR(info.st_mode)) {
        foreign.add(name + "/");
      } else {
        foreign.add(name);
      }
    }
  }

  void subdirectory(int parent, const std::string& entry, const std::string& name, const fs::path& path) {
    const Descriptor directory(openDirectory(parent, entry));
    if (directory.get() < 0)
      return foreign.add(name + "/");
    entriesOf(directory.get(), name + "/", path);
    // ENOTEMPTY: the remaining entries were already reported.
    if (removes && ::unlinkat(parent, entry.c_str(), AT_REMOVEDIR) != 0 && errno != ENOTEMPTY &&
        errno != EEXIST && errno != ENOENT)
      throwErrno("remove", path.string());
  }
};

bool OwnedFiles::owns(int directory, const std::string& name, const std::stop_token& stop) const {
  const Walk walk{*this, stop, Check::Contents, false};
  const Descriptor parent = openParentOf(directory, name);
  const std::string entry = name.substr(name.rfind('/') + 1); // npos + 1 is 0
  struct stat info {};
  return parent.get() >= 0 && ::fstatat(parent.get(), entry.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
         walk.isOurs(parent.get(), entry, name, info);
}

bool OwnedFiles::removeFile(const fs::path& directory, const std::string& name,
                            const std::stop_token& stop) const {
  const Descriptor open(openDirectory(AT_FDCWD, directory.string()));
  if (open.get() < 0)
    throwErrno("read directory", directory.string());
  Walk walk{*this, stop, Check::Contents, true};
  struct stat info {};
  if (::fstatat(open.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
      !walk.isOurs(open.get(), name, name, info))
    return false;
  walk.removeFile(open.get(), name, info, directory / name);
  return true;
}

ForeignEntries OwnedFiles::foreign(const fs::path& directory, Check check,
                                   const std::stop_token& stop) const {
  const Descriptor open(openDirectory(AT_FDCWD, directory.string()));
  if (open.get() < 0)
    throwErrno("read directory", directory.string());
  Walk walk{*this, stop, check, false};
  walk.entriesOf(open.get(), "", directory);
  return walk.foreign;
}

ForeignEntries OwnedFiles::remove(int directory, const fs::path& shownPath,
                                  const std::stop_token& stop) const {
  Walk walk{*this, stop, Check::Contents, true};
  walk.entriesOf(directory, "", shownPath);
  return walk.foreign;
}

ForeignEntries OwnedFiles::remove(const fs::path& directory, const std::stop_token& stop) const {
  const Descriptor open(openDirectory(AT_FDCWD, directory.string()));
  if (open.get() < 0)
    throwErrno("read directory", directory.string());
  return remove(open.get(), directory, stop);
}

} // namespace nibblesmith::base
