// SPDX-License-Identifier: Apache-2.0
#include "invocation.hpp"

#include "base/join.hpp"
#include "output.hpp"

#include "tokenizer/tokenizer.hpp"

namespace nibblesmith::nsmith {

namespace {

void addOptions(QCommandLineParser& parser, const workflow::Services&) {
  addOption(parser, "text", "TEXT", "Text to tokenize.");
  addOption(parser, "special", "",
            "Put BOS and EOS where the model asks for them, and read special tokens in the text.");
}

base::Json run(const Invocation& call) {
  const auto tokenizer = tokenizer::openTokenizer(call.positional(0, "MODEL"), call.stop());
  const bool special = call.has("special");
  const auto ids = tokenizer->encode(call.text("text"), special, special, call.stop());
  if (!call.json())
    printText(base::join(ids, " ", [](tokenizer::TokenId id) { return std::to_string(id); }) + "\n");
  std::vector<std::string> tokens;
  for (const tokenizer::TokenId id : ids)
    tokens.push_back(tokenizer->vocabulary().tokens[static_cast<size_t>(id)]);
  return {{"ids", ids}, {"tokens", tokens}};
}

} // namespace

const Verb kTokenize = {"tokenize", "MODEL",
                        "Show the token ids of a text; a directory of tokenizer files alone will do.",
                        addOptions, run};

} // namespace nibblesmith::nsmith
