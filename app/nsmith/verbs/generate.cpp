// SPDX-License-Identifier: Apache-2.0
#include "invocation.hpp"

#include "base/thread_pool.hpp"
#include "runtime/generate.hpp"

#include <cstdio>
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

/// The part of text that ends with a whole UTF-8 character.
size_t wholeCharacters(const std::string& text) {
  size_t end = text.size();
  for (size_t back = 1; back <= 4 && back <= text.size(); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0) == 0x80)
      continue;
    const size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    if (length > back)
      end = text.size() - back;
    break;
  }
  return end;
}

base::Json run(const Invocation& call) {
  const auto model = model::openModel(call.positional(0, "MODEL"));
  const auto tokenizer = tokenizer::loadTokenizer(model->checkpoint());
  base::ThreadPool pool(call.services().threads);
  const runtime::Decoder decoder(model, runtime::WeightStorage::AsStored, pool);
  runtime::SamplingOptions sampling;
  sampling.temperature = number(call, "temperature", 0);
  sampling.topP = number(call, "top-p", 1);
  sampling.topK = static_cast<int>(call.integer("top-k", 0));
  sampling.seed = static_cast<uint64_t>(call.integer("seed", 1));

  std::vector<tokenizer::TokenId> ids = tokenizer->encode(call.text("prompt", ""), true);
  const std::vector<tokenizer::TokenId> prompt = ids;
  if (prompt.empty())
    throw base::Error(base::ErrorCode::InvalidArgument, "prompt: expected text, found nothing, and the model has no BOS token to begin with");
  const size_t promptBytes = tokenizer->decode(prompt).size();
  size_t printed = promptBytes;
  // What a token adds is known from the whole text only: joining may add or drop a space.
  const auto print = [&](bool last) {
    const std::string text = tokenizer->decode(ids);
    const size_t end = last ? text.size() : wholeCharacters(text);
    if (!call.json() && end > printed)
      std::fwrite(text.data() + printed, 1, end - printed, stdout);
    std::fflush(stdout);
    printed = std::max(printed, end);
    return text;
  };
  const auto onToken = [&](tokenizer::TokenId id) {
    ids.push_back(id);
    if (!call.json())
      print(false);
    return true;
  };
  const auto generated =
      runtime::generate(decoder, prompt, call.integer("max-tokens", 128, 1), sampling, onToken, call.stop());
  const std::string text = print(true);
  if (!call.json())
    std::printf("\n");
  return {{"text", text.substr(std::min(promptBytes, text.size()))}, {"ids", generated}, {"promptIds", prompt}};
}

} // namespace

const Verb kGenerate = {"generate", "MODEL", "Continue a text.", addOptions, run};

} // namespace nibblesmith::nsmith
