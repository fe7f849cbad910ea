// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Attribute for functions with loops that the compiler vectorizes: the function is compiled for several
/// x86-64 levels, and the loader picks the best one for this CPU. Disabled with sanitizers, whose runtime is
/// not yet initialized when the loader resolves the choice.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(NIB_SANITIZED)
#define NIB_MULTIVERSION                                                                                     \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), optimize("O3")))
#else
#define NIB_MULTIVERSION
#endif
