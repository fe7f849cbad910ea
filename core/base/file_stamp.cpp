// SPDX-License-Identifier: Apache-2.0
#include "base/file_stamp.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <ctime>

#include <sys/stat.h>

namespace nibblesmith::base {

namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kCoarsestClockNs = 2 * kNsPerSecond;

int64_t nanoseconds(const timespec& time) {
  return static_cast<int64_t>(time.tv_sec) * kNsPerSecond + static_cast<int64_t>(time.tv_nsec);
}

} // namespace

std::string FileStamp::text() const {
  return std::to_string(device) + ":" + std::to_string(inode) + ":" + std::to_string(sizeBytes) + ":" +
         std::to_string(modifiedNs) + ":" + std::to_string(changedNs);
}

bool FileStamp::settled() const {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return nanoseconds(now) - std::max(modifiedNs, changedNs) >= kCoarsestClockNs;
}

FileStamp stampOf(const std::filesystem::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0)
    throwErrno("look at", path.string());
  FileStamp stamp;
  stamp.device = static_cast<uint64_t>(info.st_dev);
  stamp.inode = static_cast<uint64_t>(info.st_ino);
  stamp.sizeBytes = static_cast<uint64_t>(info.st_size);
  stamp.modifiedNs = nanoseconds(info.st_mtim);
  stamp.changedNs = nanoseconds(info.st_ctim);
  return stamp;
}

} // namespace nibblesmith::base
