// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace nibblesmith::base {

/// Configures the C library to keep up to 64 MiB of freed memory per thread. By default glibc returns
/// matrices of some MiB to the kernel when they are freed. Quantization allocates the same sizes repeatedly
/// and would spend a tenth of its time on page faults. Call it in main() before any thread starts. No effect
/// with other C libraries.
void keepFreedMemory();

} // namespace nibblesmith::base
