// SPDX-License-Identifier: Apache-2.0
#include "workflow/export_file.hpp"
#include "workflow/logged_run.hpp"
#include "workflow/requests.hpp"
#include "workflow/written_outputs.hpp"

#include "base/input_file.hpp"

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

exporting::Audit exportModel(const ExportRequest& request, const Services& services,
                             const std::stop_token& stop, base::Progress& progress) {
  exporting::Audit audit;
  const base::Json context = {{"out", request.out.filename().string()}};
  withLoggedRun(
      services, experiments::RunKind::Export, request.artifact, {}, context, stop, [&](LoggedRun& run) {
        exporting::FileTarget target(request.out);
        target.mayReplace = [&](const base::WrittenFile& found) { return wroteFile(services, found); };
        // Before the file is there: whatever happens then, the log says whose it is.
        target.beforeNaming = [&](const base::WrittenFile& file) {
          run.context({{"path", file.name}, {"sha256", file.sha256}, {"sizeBytes", file.sizeBytes}});
        };
        audit = exportFile(request.artifact, request.type, target, stop, progress);
        run.metric("exportMaxAbsoluteError", audit.maxAbsoluteError, "");
        run.metric("exportBytes", static_cast<double>(base::fileSize(request.out)), "B");
      });
  progress.report(1, "done");
  return audit;
}

} // namespace nibblesmith::workflow
