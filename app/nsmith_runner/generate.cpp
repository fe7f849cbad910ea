// SPDX-License-Identifier: Apache-2.0
#include "runtime/generate.hpp"

#include "base/error.hpp"
#include "base/foreign_text.hpp"
#include "base/thread_pool.hpp"
#include "tokenizer/text_stream.hpp"
#include "verb.hpp"

#include <cstdint>
#include <cstdio>

namespace nibblesmith::runner {

namespace {

using tokenizer::TokenId;

void print(const std::string& text) {
  // Text may contain escape sequences for the terminal.
  const std::string shown = base::messageText(text, SIZE_MAX);
  std::fwrite(shown.data(), 1, shown.size(), stdout);
  std::fflush(stdout);
}

void run(const Arguments& arguments, const std::stop_token& stop, base::Progress& progress) {
  const std::string path = arguments.only("MODEL");
  const int64_t maxTokens = arguments.integer("max-tokens", 128, 1);
  runtime::SamplingOptions sampling;
  sampling.temperature = arguments.number("temperature", 0);
  sampling.topK = static_cast<int>(arguments.integer("top-k", 0, 0));
  sampling.topP = arguments.number("top-p", 1);
  sampling.seed = static_cast<uint64_t>(arguments.integer("seed", 1, 0, INT64_MAX));

  const auto model = model::openModel(path, stop);
  const auto tokenizer = tokenizer::loadTokenizer(model->checkpoint(), stop);
  const std::vector<TokenId> prompt = tokenizer->encode(arguments.text("prompt"), true, false, stop);
  if (prompt.empty())
    throw base::Error(
        base::ErrorCode::InvalidArgument,
        "--prompt: expected text, found nothing, and the model has no token to begin a text with");
  base::ThreadPool pool(threadsOf(arguments));
  base::SubProgress loading(progress, 0, 0.1, "loading the model");
  const runtime::Decoder decoder(model, runtime::WeightStorage::AsStored, pool, loading, stop);
  tokenizer::TextStream stream(*tokenizer, prompt);
  double count = 0;
  runtime::generate(
      decoder, prompt, maxTokens, sampling,
      [&](TokenId id) {
        print(stream.add(id));
        progress.report(0.1 + 0.9 * ++count / static_cast<double>(maxTokens), "generating");
        return true;
      },
      stop);
  print(stream.finish() + "\n");
}

} // namespace

Verb generateVerb() {
  return {"generate",
          "MODEL --prompt TEXT [options]",
          "Continue a text; greedy unless a temperature is given.",
          {{"prompt", "TEXT", "Text to go on from."},
           {"max-tokens", "N", "Stop after so many tokens (128)."},
           {"temperature", "T", "0 (the default) takes the likeliest token."},
           {"top-k", "N", "Sample among the N likeliest (0: all)."},
           {"top-p", "P", "Sample among the likeliest that make up P (1)."},
           {"seed", "N", "Seed of the sampling (1)."}},
          run};
}

} // namespace nibblesmith::runner
