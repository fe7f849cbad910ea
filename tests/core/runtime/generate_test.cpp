// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "runtime/generate.hpp"
#include "runtime/sampler.hpp"

#include "../model/memory_checkpoint.hpp"
#include "nib_test.hpp"

#include <QTest>

#include <cmath>
#include <limits>

using namespace nibblesmith;
using namespace nibblesmith::runtime;
using test::TinyLlama;
using tokenizer::TokenId;

namespace {

const std::vector<TokenId> kPrompt = {1, 5, 9, 12};

struct Machine {
  explicit Machine(const std::shared_ptr<checkpoint::Checkpoint>& checkpoint = TinyLlama{}.huggingFace())
      : decoder(model::openModel(checkpoint), WeightStorage::AsStored, pool) {}

  std::vector<TokenId> tokens(int64_t count, const SamplingOptions& options = {},
                              const std::function<bool(TokenId)>& onToken = {}) {
    return generate(decoder, kPrompt, count, options, onToken, {});
  }

  base::ThreadPool pool{1};
  Decoder decoder;
};

std::shared_ptr<checkpoint::Checkpoint> withEos(const base::Json& eos) {
  const auto checkpoint = TinyLlama{}.huggingFace();
  checkpoint->config["eos_token_id"] = eos;
  return checkpoint;
}

/// Returns how often each token is drawn, as fractions.
std::vector<double> frequencies(const std::vector<float>& logits, const SamplingOptions& options) {
  constexpr int kDraws = 20000;
  Sampler sampler(options);
  std::vector<double> counts(logits.size());
  for (int i = 0; i < kDraws; ++i)
    counts[static_cast<size_t>(sampler.next(logits))] += 1.0 / kDraws;
  return counts;
}

} // namespace

class GenerateTest : public QObject {
  Q_OBJECT

private slots:
  void takesTheLikeliestToken() {
    Machine machine(withEos(nullptr));
    const auto tokens = machine.tokens(12);
    QCOMPARE(tokens.size(), size_t{12});
    std::vector<TokenId> sequence = kPrompt;
    for (const TokenId token : tokens) {
      KvCache cache(machine.decoder.config(), 100);
      const tensor::Matrix logits = machine.decoder.forward(sequence, cache, LogitsFor::LastToken);
      Eigen::Index best = 0;
      logits.row(0).maxCoeff(&best);
      QCOMPARE(token, static_cast<TokenId>(best));
      sequence.push_back(token);
    }
    Sampler greedy(SamplingOptions{});
    QCOMPARE(greedy.next(std::vector<float>{1, 3, 3, 2}), 1); // the first of equal maxima
  }

  void endsAtEndTokens() {
    const auto all = Machine(withEos(nullptr)).tokens(12);
    size_t at = 5;
    // The first occurrence of the token.
    while (std::find(all.begin(), all.begin() + static_cast<long>(at), all[at]) !=
           all.begin() + static_cast<long>(at))
      --at;
    const auto shorter = Machine(withEos({39, all[at]})).tokens(12);
    QCOMPARE(shorter, std::vector<TokenId>(all.begin(), all.begin() + static_cast<long>(at)));
  }

  void endsWhenAsked() {
    Machine machine(withEos(nullptr));
    std::vector<TokenId> seen;
    const auto tokens = machine.tokens(12, {}, [&](TokenId token) {
      seen.push_back(token);
      return seen.size() < 3;
    });
    QCOMPARE(tokens.size(), size_t{3});
    QCOMPARE(seen, tokens);
    QVERIFY(machine.tokens(0).empty());
  }

  void endsWithThePositions() {
    const auto checkpoint = withEos(nullptr);
    checkpoint->config["max_position_embeddings"] = 7;
    Machine machine(checkpoint);
    // Positions 4, 5 and 6 are fed; the token after the last position is the last one generated.
    QCOMPARE(machine.tokens(100).size(), size_t{4});
    const std::vector<TokenId> tooLong(8, 1);
    QVERIFY_EXCEPTION_THROWN(generate(machine.decoder, tooLong, 1, {}, {}, {}), base::Error);
    QVERIFY_EXCEPTION_THROWN(generate(machine.decoder, {}, 1, {}, {}, {}), base::Error);
  }

  void stops() {
    Machine machine(withEos(nullptr));
    std::stop_source source;
    int count = 0;
    const auto stopAtThird = [&](TokenId) {
      if (++count == 3)
        source.request_stop();
      return true;
    };
    QVERIFY_EXCEPTION_THROWN(generate(machine.decoder, kPrompt, 100, {}, stopAtThird, source.get_token()),
                             base::Cancelled);
    QCOMPARE(count, 3);
  }

  void repeatsWithItsSeed() {
    Machine machine(withEos(nullptr));
    const SamplingOptions options{1.5, 0, 1.0, 42};
    const auto first = machine.tokens(30, options);
    QCOMPARE(machine.tokens(30, options), first);
    QVERIFY(machine.tokens(30, {1.5, 0, 1.0, 43}) != first);
  }

  void drawsByProbability() {
    const std::vector<float> logits = {std::log(0.5f), std::log(0.2f), std::log(0.3f)};
    const auto plain = frequencies(logits, {1.0, 0, 1.0, 1});
    // Three standard deviations of 20000 draws are about 0.011.
    QVERIFY(std::abs(plain[0] - 0.5) < 0.012 && std::abs(plain[1] - 0.2) < 0.012 &&
            std::abs(plain[2] - 0.3) < 0.012);
    const auto colder = frequencies(logits, {0.5, 0, 1.0, 1});
    QVERIFY(std::abs(colder[0] - 0.25 / 0.38) < 0.012);
    const auto topTwo = frequencies(logits, {1.0, 2, 1.0, 1});
    QVERIFY(topTwo[1] == 0 && std::abs(topTwo[0] - 0.625) < 0.012);
    const auto nucleus = frequencies(logits, {1.0, 0, 0.75, 1});
    QVERIFY(nucleus[1] == 0 && std::abs(nucleus[2] - 0.375) < 0.012);
    const auto first = frequencies(logits, {1.0, 0, 0.4, 1});
    QCOMPARE(first[0] > 0.999, true);
  }

  void refusesBadOptions() {
    for (const SamplingOptions& bad :
         {SamplingOptions{-1, 0, 1, 1}, SamplingOptions{std::nan(""), 0, 1, 1}, SamplingOptions{1, -1, 1, 1},
          SamplingOptions{1, 0, 0, 1}, SamplingOptions{1, 0, 1.5, 1}})
      QVERIFY_EXCEPTION_THROWN(Sampler{bad}, base::Error);
    Sampler sampler(SamplingOptions{});
    QVERIFY_EXCEPTION_THROWN(sampler.next(std::vector<float>{1, std::numeric_limits<float>::quiet_NaN()}),
                             base::Error);
  }
};

NIB_TEST(GenerateTest)
#include "generate_test.moc"
