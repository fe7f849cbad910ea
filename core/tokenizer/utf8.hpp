// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/utf8.hpp"

namespace nibblesmith::tokenizer {

using base::appendUtf8;
using base::characterAt;
using base::characterBytes;
using base::characterOrByte;
using base::isUtf8;

} // namespace nibblesmith::tokenizer
