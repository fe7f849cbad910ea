// SPDX-License-Identifier: Apache-2.0
#include "workflow/logged_run.hpp"
#include "workflow/requests.hpp"

namespace nibblesmith::workflow {

exporting::Audit exportModel(const ExportRequest& request, const Services& services,
                             const std::stop_token& stop, base::Progress& progress) {
  exporting::Audit audit;
  const base::Json context = {{"out", request.out.filename().string()}};
  withLoggedRun(
      services, experiments::RunKind::Export, request.artifact, {}, context, stop, [&](LoggedRun& run) {
        const auto model = model::openModel(request.artifact);
        const auto tokenizer = tokenizer::loadTokenizer(model->checkpoint());
        audit = exporting::exportGguf(*model, *tokenizer, request.type, request.out, stop, progress);
        run.metric("exportMaxAbsoluteError", audit.maxAbsoluteError, "");
        if (!audit.passed)
          throw base::Error(
              base::ErrorCode::Corrupt,
              "'" + request.out.string() +
                  "' was not written, as the file would not have held what was exported: " + audit.detail);
        run.metric("exportBytes", static_cast<double>(std::filesystem::file_size(request.out)), "B");
      });
  progress.report(1, "done");
  return audit;
}

} // namespace nibblesmith::workflow
