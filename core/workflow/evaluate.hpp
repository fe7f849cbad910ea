// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "evaluation/pairs.hpp"
#include "evaluation/perplexity.hpp"
#include "workflow/services.hpp"

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace nibblesmith::workflow {

struct EvaluateRequest {
  std::filesystem::path artifact;
  std::filesystem::path text; ///< text or .i32 ids for perplexity; empty: not measured
  evaluation::PerplexityStyle style = evaluation::PerplexityStyle::LlamaCpp;
  int64_t context = 512;
  std::vector<std::filesystem::path> pairs; ///< JSONL files for ROUGE and BLEU
  int64_t maxTokens = 96;
  int64_t limit = 0; ///< maximum number of pairs per file; 0: all
  std::string expectedHash = {};
};
struct EvaluateResult {
  std::optional<evaluation::PerplexityResult> perplexity;
  std::vector<evaluation::PairsResult> pairs; ///< one result per file of request.pairs
};
EvaluateResult evaluate(const EvaluateRequest& request, const Services& services, const std::stop_token& stop,
                        base::Progress& progress);

} // namespace nibblesmith::workflow
