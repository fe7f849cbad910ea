// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/sentencepiece_tokenizer.hpp"

namespace nibblesmith::tokenizer {

std::shared_ptr<const Tokenizer> makeSentencepieceTokenizer(const checkpoint::Checkpoint&,
                                                            const std::filesystem::path& path) {
  throw base::Error(base::ErrorCode::NotSupported,
                    "'" + path.string() +
                        "': this program is built without sentencepiece: use a GGUF file of the model, which "
                        "carries its vocabulary, or a tokenizer.json");
}

} // namespace nibblesmith::tokenizer
