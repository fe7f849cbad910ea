// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "invocation.hpp"

namespace nibblesmith::nsmith {

/// Adds --expect, the identity in the log that the files must have.
void addExpectOption(QCommandLineParser& parser);
/// Returns the full identity that starts with the value of --expect; empty if the option is absent. Throws
/// base::Error{NotFound} if no artifact in the log matches, UsageError if the prefix is too short or
/// ambiguous.
std::string expectedHash(const Invocation& call);

/// Adds --replace. what: "an artifact that is at --out already".
void addReplaceOption(QCommandLineParser& parser, const std::string& what);

/// Returns the shortened identity for tables.
std::string shortHash(const std::string& hash);

} // namespace nibblesmith::nsmith
