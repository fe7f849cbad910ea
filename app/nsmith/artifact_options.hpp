// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "invocation.hpp"

namespace nibblesmith::nsmith {

/// --expect: which artifact of the log the files have to be.
void addExpectOption(QCommandLineParser& parser);
/// The whole identity that --expect begins; empty without it. Throws base::Error{NotFound} where the log has
/// no artifact of this beginning, UsageError where it is too short or several begin so.
std::string expectedHash(const Invocation& call);

/// --replace. what: "an artifact that is at --out already".
void addReplaceOption(QCommandLineParser& parser, const std::string& what);

/// The digits of an identity that tables show.
std::string shortHash(const std::string& hash);

} // namespace nibblesmith::nsmith
