// SPDX-License-Identifier: Apache-2.0
#include "workflow/export.hpp"

#include "base/input_file.hpp"

#include "export/output_check.hpp"
#include "workflow/export_file.hpp"
#include "workflow/identified_artifact.hpp"
#include "workflow/written_outputs.hpp"

namespace nibblesmith::workflow {

exporting::Audit exportFile(const std::filesystem::path& artifact, exporting::GgufType type,
                            const exporting::FileTarget& target, const std::stop_token& stop,
                            base::Progress& progress) {
  const auto model = model::openModel(artifact, stop);
  const auto tokenizer = tokenizer::loadTokenizer(model->checkpoint(), stop);
  exporting::Audit audit = exporting::exportGguf(*model, *tokenizer, type, target, stop, progress);
  if (!audit.passed)
    throw base::Error(
        base::ErrorCode::Corrupt,
        "'" + target.path.string() +
            "' was not written, as the file would not have held what was exported: " + audit.detail);
  return audit;
}

namespace {

void logFile(LoggedRun& run, const IdentifiedArtifact& held, exporting::GgufType type,
             const base::WrittenFile& file) {
  if (!run.log())
    return;
  experiments::ExportRow row;
  row.artifact = held.row;
  row.type = exporting::toString(type);
  row.path = file.name;
  row.sha256 = file.sha256;
  row.sizeBytes = file.sizeBytes;
  run.log()->addExport(row);
}

} // namespace

exporting::Audit exportModel(const ExportRequest& request, const Services& services,
                             const std::stop_token& stop, base::Progress& progress) {
  exporting::Audit audit;
  const base::Json context = {{"artifact", request.artifact.string()},
                              {"type", exporting::toString(request.type)},
                              {"out", request.out.filename().string()}};
  const RunStart start{experiments::RunKind::Export, {}, context, request.expectedHash};
  withLoggedRun(services, start, stop, [&](LoggedRun& run) {
    exporting::checkFileOutput(request.out, request.replace);
    exporting::checkWritablePlace(request.out);
    base::SubProgress checking(progress, 0, 0.1);
    const IdentifiedArtifact held = identifyArtifact(run, request.artifact, request.expectedHash,
                                                     Verification::ByContent, stop, checking);
    exporting::FileTarget target(request.out);
    target.mayReplace = [&](const base::WrittenFile& found) { return wroteFile(services, found); };
    target.beforeNaming = [&](const base::WrittenFile& file) {
      // If the artifact had changed, the origin of the file would be unknown.
      held.checkUnchanged(stop);
      // Logged before the file gets its final name: if the program is killed afterwards, the log already
      // lists the file.
      logFile(run, held, request.type, file);
    };
    base::SubProgress writing(progress, 0.1, 1);
    audit = exportFile(request.artifact, request.type, target, stop, writing);
    run.metric("exportMaxAbsoluteError", audit.maxAbsoluteError, "");
    run.metric("exportBytes", static_cast<double>(base::fileSize(request.out)), "B");
  });
  progress.report(1, "done");
  return audit;
}

} // namespace nibblesmith::workflow
