// SPDX-License-Identifier: Apache-2.0
#include "base/fault_guard.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <mutex>

#include <sys/mman.h>
#include <unistd.h>

namespace nibblesmith::base {

/// One guarded mapping. Slots are reused but never freed, so the signal handler can walk the list without a
/// lock. `begin` is 0 while the slot is free or being changed.
struct FaultGuard::Slot {
  std::atomic<uintptr_t> begin{0};
  std::atomic<uintptr_t> end{0};
  std::atomic<bool> faulted{false};
  /// Set before the slot is added to the list.
  Slot* next = nullptr;
};

namespace {

using Slot = FaultGuard::Slot;

// Signal handlers can only reach globals.
std::atomic<Slot*> s_slots{nullptr};
std::mutex s_mutex; ///< protects changes of slots; the handler takes no lock
struct sigaction s_previous {};
uintptr_t s_pageSize = 0;

static_assert(std::atomic<uintptr_t>::is_always_lock_free && std::atomic<Slot*>::is_always_lock_free);

/// Returns the slot whose mapping contains the address. A slot that changes meanwhile is a different one,
/// because the mapping that the faulting thread reads stays alive.
Slot* slotOf(uintptr_t address, uintptr_t& end) {
  for (Slot* slot = s_slots.load(); slot; slot = slot->next) {
    const uintptr_t begin = slot->begin.load();
    end = slot->end.load();
    if (begin != 0 && begin <= address && address < end && slot->begin.load() == begin)
      return slot;
  }
  return nullptr;
}

/// Maps zeros from the address's page to the end of its mapping. Returns false if no guarded mapping contains
/// the address.
bool replaceByZeros(uintptr_t address) {
  uintptr_t end = 0;
  Slot* slot = slotOf(address, end);
  if (!slot)
    return false;
  slot->faulted.store(true);
  const uintptr_t page = address / s_pageSize * s_pageSize;
  void* mapped = ::mmap(reinterpret_cast<void*>(page), end - page, PROT_READ,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
  return mapped != MAP_FAILED;
}

void onBusError(int signal, siginfo_t* info, void* context) {
  const int number = errno;
  const bool replaced = replaceByZeros(reinterpret_cast<uintptr_t>(info->si_addr));
  errno = number;
  if (replaced)
    return;
  if ((s_previous.sa_flags & SA_SIGINFO) != 0 && s_previous.sa_sigaction)
    s_previous.sa_sigaction(signal, info, context);
  else if (s_previous.sa_handler != SIG_DFL && s_previous.sa_handler != SIG_IGN)
    s_previous.sa_handler(signal);
  else
    ::sigaction(SIGBUS, &s_previous, nullptr); // the read is repeated and terminates the process
}

void installHandler() {
  s_pageSize = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  struct sigaction action {};
  action.sa_sigaction = onBusError;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  ::sigaction(SIGBUS, &action, &s_previous);
}

Slot* freeSlot() {
  for (Slot* slot = s_slots.load(); slot; slot = slot->next)
    if (slot->begin.load() == 0)
      return slot;
  auto* slot = new Slot;
  slot->next = s_slots.load();
  s_slots.store(slot);
  return slot;
}

} // namespace

FaultGuard::FaultGuard(const void* begin, size_t size) {
  const std::lock_guard lock(s_mutex);
  if (s_pageSize == 0)
    installHandler();
  m_slot = freeSlot();
  m_slot->faulted.store(false);
  m_slot->end.store(reinterpret_cast<uintptr_t>(begin) + size);
  m_slot->begin.store(reinterpret_cast<uintptr_t>(begin));
}

FaultGuard::~FaultGuard() {
  const std::lock_guard lock(s_mutex);
  m_slot->begin.store(0);
}

bool FaultGuard::faulted() const { return m_slot->faulted.load(); }

} // namespace nibblesmith::base
