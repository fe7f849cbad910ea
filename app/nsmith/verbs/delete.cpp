// SPDX-License-Identifier: Apache-2.0
#include "artifact_options.hpp"
#include "output.hpp"
#include "workflow/written_outputs.hpp"

namespace nibblesmith::nsmith {

namespace {

void addOptions(QCommandLineParser& parser, const workflow::Services&) { addExpectOption(parser); }

base::Json run(const Invocation& call) {
  const workflow::DeletedFiles deleted = workflow::deleteFiles(
      {call.positional(0, "ARTIFACT"), expectedHash(call)}, call.services(), call.stop());
  if (!call.json()) {
    print("deleted the files of {}\n", {deleted.artifact});
    if (!deleted.kept.empty())
      print("note: {} in it stay: not written by this program, or changed since\n", {deleted.kept.text()});
  }
  return {{"artifact", deleted.artifact.string()},
          {"kept", deleted.kept.names},
          {"keptCount", deleted.kept.count}};
}

} // namespace

const Verb kDelete = {"delete", "ARTIFACT",
                      "Delete the files of an artifact or an exported GGUF that the log knows.", addOptions,
                      run};

} // namespace nibblesmith::nsmith
