// SPDX-License-Identifier: Apache-2.0
#include "runtime/generate.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "verb.hpp"

#include <algorithm>
#include <cstdio>

namespace nibblesmith::runner {

namespace {

using tokenizer::TokenId;

/// The part of a text that ends with a whole UTF-8 character: a token may end inside one.
size_t wholeCharacters(const std::string& text) {
  for (size_t back = 1; back <= std::min<size_t>(4, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0) == 0x80)
      continue;
    const size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return length > back ? text.size() - back : text.size();
  }
  return text.size();
}

/// Writes what the newest token adds. That is known from the whole text only: joining pieces may add or drop
/// a space.
class TextStream {
public:
  TextStream(const tokenizer::Tokenizer& tokenizer, std::vector<TokenId> prompt)
      : m_tokenizer(tokenizer), m_ids(std::move(prompt)), m_printed(tokenizer.decode(m_ids).size()) {}

  void add(TokenId id) {
    m_ids.push_back(id);
    const std::string text = m_tokenizer.decode(m_ids);
    write(text, wholeCharacters(text));
  }
  void finish() {
    const std::string text = m_tokenizer.decode(m_ids);
    write(text, text.size());
    std::fputc('\n', stdout);
  }

private:
  void write(const std::string& text, size_t end) {
    if (end > m_printed)
      std::fwrite(text.data() + m_printed, 1, end - m_printed, stdout);
    std::fflush(stdout);
    m_printed = std::max(m_printed, end);
  }

  const tokenizer::Tokenizer& m_tokenizer;
  std::vector<TokenId> m_ids;
  size_t m_printed;
};

void run(const Arguments& arguments, const std::stop_token& stop, base::Progress& progress) {
  const std::string path = arguments.only("MODEL");
  const int64_t maxTokens = arguments.integer("max-tokens", 128, 1);
  runtime::SamplingOptions sampling;
  sampling.temperature = arguments.number("temperature", 0);
  sampling.topK = static_cast<int>(arguments.integer("top-k", 0, 0));
  sampling.topP = arguments.number("top-p", 1);
  sampling.seed = static_cast<uint64_t>(arguments.integer("seed", 1, 0, INT64_MAX));

  const auto model = model::openModel(path);
  const auto tokenizer = tokenizer::loadTokenizer(model->checkpoint());
  const std::vector<TokenId> prompt = tokenizer->encode(arguments.text("prompt"), true);
  if (prompt.empty())
    throw base::Error(
        base::ErrorCode::InvalidArgument,
        "--prompt: expected text, found nothing, and the model has no token to begin a text with");
  base::ThreadPool pool(threadsOf(arguments));
  base::SubProgress loading(progress, 0, 0.1, "loading the model");
  const runtime::Decoder decoder(model, runtime::WeightStorage::AsStored, pool, loading, stop);
  TextStream stream(*tokenizer, prompt);
  double count = 0;
  runtime::generate(
      decoder, prompt, maxTokens, sampling,
      [&](TokenId id) {
        stream.add(id);
        progress.report(0.1 + 0.9 * ++count / static_cast<double>(maxTokens), "generating");
        return true;
      },
      stop);
  stream.finish();
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
