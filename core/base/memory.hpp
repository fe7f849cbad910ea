// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace nibblesmith::base {

/// Asks the C library to keep up to 64 MiB of freed memory per thread for the next allocation. By default
/// glibc gives matrices of some MiB back to the kernel as they are freed, and a quantization, which makes the
/// same ones over and over, spends a tenth of its time on their pages. For main(), before threads; does
/// nothing with other C libraries.
void keepFreedMemory();

} // namespace nibblesmith::base
