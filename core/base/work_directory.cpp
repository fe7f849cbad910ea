// SPDX-License-Identifier: Apache-2.0
#include "base/work_directory.hpp"

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/random_id.hpp"

#include <cerrno>
#include <cstdio>
#include <sstream>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nibblesmith::base {

namespace {

namespace fs = std::filesystem;

constexpr const char* kJournal = "nibblesmith-work.jsonl";
constexpr const char* kLock = "nibblesmith-work.lock";
constexpr const char* kKind = "Nibblesmith work directory";
constexpr int kSchema = 1;
constexpr size_t kIdDigits = 32;
constexpr size_t kMaxJournalBytes = size_t{64} << 20;
constexpr int kMostAttempts = 20;

/// Returns the journal's text; empty if it does not exist or is not a regular file.
std::string readText(int directory) {
  const int file = ::openat(directory, kJournal, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  struct stat info {};
  std::string text;
  if (file >= 0 && ::fstat(file, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 &&
      static_cast<size_t>(info.st_size) <= kMaxJournalBytes) {
    text.resize(static_cast<size_t>(info.st_size));
    size_t done = 0;
    for (ssize_t count = 1; done < text.size() && count > 0;
         done += count > 0 ? static_cast<size_t>(count) : 0)
      count = ::pread(file, text.data() + done, text.size() - done, static_cast<off_t>(done));
    text.resize(done);
  }
  if (file >= 0)
    ::close(file);
  return text;
}

/// Parses one line of the journal. Returns null for a line that a killed process did not finish.
Json parsedLine(const std::string& line) {
  try {
    return parseJson(line, kJournal);
  } catch (const Error&) {
    return nullptr;
  }
}

std::string textOf(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool isHeader(const Json& json) {
  return json.is_object() && textOf(json, "kind") == kKind && json.contains("schema") &&
         json.at("schema") == kSchema && textOf(json, "id").size() == kIdDigits;
}

std::string leafOf(const std::string& name) { return name.substr(name.rfind('/') + 1); }

} // namespace

WorkDirectory::WorkDirectory(const fs::path& path, const std::string& what) : m_path(path) {
  for (const char* own : {kJournal, kLock})
    m_list.exclude(own);
  try {
    claim(what);
  } catch (...) {
    for (const int file : {m_directory, m_journal})
      if (file >= 0)
        ::close(file);
    throw;
  }
}

WorkDirectory::~WorkDirectory() {
  try {
    if (m_lock && holdsNothing())
      remove();
  } catch (const std::exception&) {
    // Leave the directory to the next process.
  }
  for (const auto& [name, directory] : m_subdirectories)
    ::close(directory);
  for (const int file : {m_journal, m_directory})
    if (file >= 0)
      ::close(file);
}

void WorkDirectory::claim(const std::string& what) {
  if (m_path.has_parent_path()) {
    std::error_code failure;
    fs::create_directories(m_path.parent_path(), failure);
    if (failure)
      throw Error(ErrorCode::Io,
                  "cannot create directory '" + m_path.parent_path().string() + "': " + failure.message());
  }
  // Another process that has finished may remove the directory between these steps.
  for (int attempt = 1;; ++attempt) {
    try {
      openDirectory();
      if (!m_madeHere && !isOurs())
        refuseForeign();
      m_lock.emplace(m_directory, kLock, m_path, what);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::NotFound || attempt == kMostAttempts)
        throw;
      continue;
    }
    break;
  }
  if (isOurs())
    readJournal();
  else
    beginJournal();
}

void WorkDirectory::openDirectory() {
  if (m_directory >= 0)
    ::close(std::exchange(m_directory, -1));
  m_madeHere = ::mkdir(m_path.c_str(), 0777) == 0;
  if (!m_madeHere && errno != EEXIST)
    throwErrno("create directory", m_path.string());
  m_directory = ::open(m_path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (m_directory >= 0)
    return;
  struct stat info {};
  if (::lstat(m_path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode))
    throw Error(ErrorCode::InvalidArgument,
                "'" + m_path.string() + "' is needed for unfinished work: expected a new name, found " +
                    fileKind(info.st_mode) + "; move it away, or choose another output");
  throwErrno("open directory", m_path.string());
}

bool WorkDirectory::isOurs() const {
  const std::string text = readText(m_directory);
  return isHeader(parsedLine(text.substr(0, text.find('\n'))));
}

/// Throws if the directory contains foreign entries. An empty directory is accepted: it has nothing to lose,
/// and a process killed at its very start leaves one, possibly with an empty journal.
void WorkDirectory::refuseForeign() const {
  OwnedFiles ours;
  ours.exclude(kLock); // FileLock checks the content itself
  struct stat info {};
  if (::fstatat(m_directory, kJournal, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode) &&
      info.st_size == 0)
    ours.exclude(kJournal);
  const ForeignEntries found = ours.foreign(m_path, OwnedFiles::Check::Names, {});
  if (found.empty() || isOurs()) // another process may have started to work here
    return;
  throw Error(ErrorCode::InvalidArgument,
              "'" + m_path.string() +
                  "' is needed for unfinished work: expected a new name, or a directory with the journal '" +
                  kJournal + "' of this program, found a directory with " + found.text() +
                  "; move it away, or choose another output");
}

void WorkDirectory::readJournal() {
  m_journal = ::openat(m_directory, kJournal, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
  if (m_journal < 0)
    throwErrno("write", (m_path / kJournal).string());
  const std::string text = readText(m_directory);
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  if (const Json header = parsedLine(line); isHeader(header))
    m_madeHere = header.contains("madeDirectory") && header.at("madeDirectory") == true;
  while (std::getline(lines, line)) {
    const Json entry = parsedLine(line);
    if (!entry.is_object())
      continue;
    m_list.addTemporary(textOf(entry, "temporary"));
    m_list.addDirectory(textOf(entry, "directory"));
    if (const auto size = entry.find("sizeBytes"); size != entry.end() && size->is_number_unsigned())
      m_list.add({textOf(entry, "file"), size->get<uint64_t>(), textOf(entry, "sha256")});
  }
  if (!text.ends_with('\n'))
    append("");
}

void WorkDirectory::beginJournal() {
  m_journal = ::openat(m_directory, kJournal,
                       O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0644);
  if (m_journal < 0)
    throwErrno("write", (m_path / kJournal).string());
  append(
      Json{{"schema", kSchema}, {"kind", kKind}, {"id", randomId()}, {"madeDirectory", m_madeHere}}.dump());
  ::fsync(m_directory);
}

void WorkDirectory::append(const std::string& line) {
  const std::string text = line + "\n";
  if (::write(m_journal, text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::fdatasync(m_journal) != 0)
    throwErrno("write", (m_path / kJournal).string());
}

int WorkDirectory::parentOf(const std::string& name) const {
  const size_t slash = name.rfind('/');
  return slash == std::string::npos ? m_directory : m_subdirectories.at(name.substr(0, slash));
}

bool WorkDirectory::holdsNothing() const {
  OwnedFiles none;
  for (const char* own : {kJournal, kLock})
    none.exclude(own);
  return none.foreign(m_path, OwnedFiles::Check::Names, {}).empty();
}

void WorkDirectory::renameForeignEntry(const std::string& name) {
  struct stat info {};
  const int parent = parentOf(name);
  const std::string leaf = leafOf(name);
  if (::fstatat(parent, leaf.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || m_list.owns(m_directory, name, {}))
    return;
  for (int number = 1; number < 10'000; ++number) {
    const std::string other = leaf + ".kept-" + std::to_string(number);
    if (::renameat2(parent, leaf.c_str(), parent, other.c_str(), RENAME_NOREPLACE) == 0)
      return;
    // Some file systems do not support the flag.
    const bool unknownFlag = errno == EINVAL || errno == ENOSYS;
    if (unknownFlag && ::fstatat(parent, other.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 &&
        ::renameat(parent, leaf.c_str(), parent, other.c_str()) == 0)
      return;
    if (errno != EEXIST && !unknownFlag)
      break;
  }
  throwErrno("move away", (m_path / name).string());
}

AtomicFile WorkDirectory::create(const std::string& name) {
  renameForeignEntry(name);
  const std::string temporary = temporaryFileName();
  const std::string listed = name.substr(0, name.size() - leafOf(name).size()) + temporary;
  append(Json{{"temporary", listed}}.dump());
  m_list.addTemporary(listed);
  return {parentOf(name), leafOf(name), temporary, m_path / name,
          [this, name](const struct stat& info, const std::string& sha256) {
            renameForeignEntry(
                name); // moves away an entry that got the name while the file was being written
            const WrittenFile file{name, static_cast<uint64_t>(info.st_size), sha256};
            expectFile(file);
            m_list.add(file, info);
            m_written[name] = file;
          }};
}

void WorkDirectory::write(const std::string& name, std::string_view text) {
  AtomicFile file = create(name);
  file.write(text);
  file.commit();
}

void WorkDirectory::makeDirectory(const std::string& name) {
  renameForeignEntry(name);
  expectDirectory(name);
  if (::mkdirat(m_directory, name.c_str(), 0777) != 0)
    throwErrno("create directory", (m_path / name).string());
  const int directory = ::openat(m_directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0)
    throwErrno("open directory", (m_path / name).string());
  const auto [place, isNew] = m_subdirectories.try_emplace(name, directory);
  if (!isNew)
    ::close(std::exchange(place->second, directory));
}

void WorkDirectory::expectFile(const WrittenFile& file) {
  append(Json{{"file", file.name}, {"sizeBytes", file.sizeBytes}, {"sha256", file.sha256}}.dump());
  m_list.add(file);
}

void WorkDirectory::expectDirectory(const std::string& name) {
  append(Json{{"directory", name}}.dump());
  m_list.addDirectory(name);
}

ForeignEntries WorkDirectory::clear(const std::stop_token& stop) {
  return m_list.remove(m_directory, m_path, stop);
}

ForeignEntries WorkDirectory::remove(const std::stop_token& stop) {
  if (!m_lock)
    return {};
  ForeignEntries kept = clear(stop);
  if (!kept.empty())
    return kept;
  ::unlinkat(m_directory, kJournal, 0);
  ::unlinkat(m_directory, kLock, 0);
  // Network file systems keep removed files that are still open: try again after closing the lock.
  const bool gone = !m_madeHere || ::rmdir(m_path.c_str()) == 0;
  m_lock.reset();
  if (!gone)
    ::rmdir(m_path.c_str());
  return kept;
}

std::string describeKept(const fs::path& directory, const ForeignEntries& kept) {
  return kept.empty() ? ""
                      : "'" + directory.string() + "' stays: it holds " + kept.text() +
                            ", which this program did not write, or which was changed since";
}

} // namespace nibblesmith::base
