// SPDX-License-Identifier: Apache-2.0
#include "workflow/export.hpp"
#include "artifact_options.hpp"
#include "export/gguf.hpp"
#include "output.hpp"

namespace nibblesmith::nsmith {

namespace {

void addOptions(QCommandLineParser& parser, const workflow::Services&) {
  addOption(parser, "format", "FORMAT", "gguf.");
  addOption(parser, "type", "TYPE", exporting::ggufTypesText() + ".");
  addOption(parser, "out", "FILE", "The file to write.");
  addReplaceOption(parser, "a file that is at --out already");
  addExpectOption(parser);
}

base::Json run(const Invocation& call) {
  if (const std::string format = call.text("format", "gguf"); format != "gguf")
    throw UsageError("--format: expected gguf, found '" + format + "'");
  const exporting::GgufType type =
      exporting::ggufTypeFromString(call.oneOf("type", exporting::ggufTypeNames()));
  const std::string out = call.text("out");
  const exporting::Audit audit = workflow::exportModel(
      {call.positional(0, "ARTIFACT"), type, out, call.has("replace"), expectedHash(call)}, call.services(),
      call.stop(), call.progress());
  if (!call.json())
    print("{}\n{}\n", {out, audit.detail});
  return {{"out", out},
          {"passed", audit.passed},
          {"tensors", audit.tensors},
          {"maxAbsoluteError", audit.maxAbsoluteError},
          {"detail", audit.detail}};
}

} // namespace

const Verb kExport = {"export", "ARTIFACT", "Write a GGUF file that llama.cpp opens.", addOptions, run};

} // namespace nibblesmith::nsmith
