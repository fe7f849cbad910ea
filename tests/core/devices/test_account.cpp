// SPDX-License-Identifier: Apache-2.0
// Preloaded into the sshd of the tests: it runs unprivileged and so can log in its own account only; this
// gives that account a home directory and a shell, whatever the machine's password file says.
#include <cstdlib>
#include <cstring>

#include <pwd.h>
#include <unistd.h>

namespace {

char* variable(const char* name, const char* fallback) {
  const char* value = std::getenv(name);
  return const_cast<char*>(value && *value ? value : fallback);
}

passwd* account() {
  static char name[] = "nibtest";
  static char none[] = "*";
  static char empty[] = "";
  static char home[4096];
  static char shell[4096];
  static passwd entry;
  // Copied at the first call, because sshd clears its environment later.
  if (!entry.pw_name) {
    std::strncpy(home, variable("NIB_TEST_HOME", "/"), sizeof home - 1);
    std::strncpy(shell, variable("NIB_TEST_SHELL", "/bin/sh"), sizeof shell - 1);
    entry.pw_name = name;
    entry.pw_passwd = none;
    entry.pw_uid = getuid();
    entry.pw_gid = getgid();
    entry.pw_gecos = empty;
    entry.pw_dir = home;
    entry.pw_shell = shell;
  }
  return &entry;
}

} // namespace

extern "C" passwd* getpwnam(const char* name) {
  return std::strcmp(name, "nibtest") == 0 ? account() : nullptr;
}
extern "C" passwd* getpwuid(uid_t id) { return id == getuid() ? account() : nullptr; }
