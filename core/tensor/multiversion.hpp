// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Put before a function whose loops the compiler vectorizes: it is compiled for several x86-64 levels
/// and the best is chosen when the program is loaded. Not with sanitizers, whose runtime is not up yet then.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(NIB_SANITIZED)
#define NIB_MULTIVERSION                                                                                     \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), optimize("O3")))
#else
#define NIB_MULTIVERSION
#endif
