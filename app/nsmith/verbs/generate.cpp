// SPDX-License-Identifier: Apache-2.0
#include "invocation.hpp"

#include "base/thread_pool.hpp"
#include "output.hpp"
#include "runtime/generate.hpp"
#include "tokenizer/text_stream.hpp"

#include <cstdlib>

namespace nibblesmith::nsmith {

namespace {

void addOptions(QCommandLineParser& parser, const workflow::Services&) {
  addOption(parser, "prompt", "TEXT", "Text to go on from.");
  addOption(parser, "max-tokens", "N", "Stop after so many tokens (128).");
  addOption(parser, "temperature", "T", "0 (the default) takes the likeliest token.");
  addOption(parser, "top-k", "N", "Sample among the N likeliest (0: all).");
  addOption(parser, "top-p", "P", "Sample among the likeliest that make up P (1).");
  addOption(parser, "seed", "N", "Seed of the sampling (1).");
}

double number(const Invocation& call, const std::string& option, double fallback) {
  if (!call.has(option))
    return fallback;
  const std::string text = call.text(option);
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value >= 0))
    throw UsageError("--" + option + ": expected a number of at least 0, found '" + text + "'");
  return value;
}

base::Json run(const Invocation& call) {
  const auto model = model::openModel(call.positional(0, "MODEL"), call.stop());
  const auto tokenizer = tokenizer::loadTokenizer(model->checkpoint(), call.stop());
  base::ThreadPool pool(call.services().threads);
  const runtime::Decoder decoder(model, runtime::WeightStorage::AsStored, pool);
  runtime::SamplingOptions sampling;
  sampling.temperature = number(call, "temperature", 0);
  sampling.topP = number(call, "top-p", 1);
  sampling.topK = static_cast<int>(call.integer("top-k", 0));
  sampling.seed = static_cast<uint64_t>(call.integer("seed", 1));

  const std::vector<tokenizer::TokenId> prompt =
      tokenizer->encode(call.text("prompt", ""), true, false, call.stop());
  if (prompt.empty())
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "prompt: expected text, found nothing, and the model has no BOS token to begin with");
  tokenizer::TextStream stream(*tokenizer, prompt);
  const auto show = [&](const std::string& text) {
    if (!call.json())
      printText(text);
  };
  const auto onToken = [&](tokenizer::TokenId id) {
    show(stream.add(id));
    return true;
  };
  const auto generated =
      runtime::generate(decoder, prompt, call.integer("max-tokens", 128, 1), sampling, onToken, call.stop());
  show(stream.finish() + "\n");
  return {{"text", stream.text()}, {"ids", generated}, {"promptIds", prompt}};
}

} // namespace

const Verb kGenerate = {"generate", "MODEL", "Continue a text.", addOptions, run};

} // namespace nibblesmith::nsmith
