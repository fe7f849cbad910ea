// SPDX-License-Identifier: Apache-2.0
#include "nib_test.hpp"
#include "plenty.hpp"
#include "tokenizer/merges.hpp"

#include <QtTest>

#include <random>

using namespace nibblesmith;
using namespace nibblesmith::tokenizer;

namespace {

// Reference BPE by definition: find the best pair, merge its leftmost occurrence, repeat.
std::vector<TokenId> joinSlowly(std::vector<TokenId> symbols, const Merges& merges) {
  for (;;) {
    const Merges::Result* best = nullptr;
    size_t at = 0;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      const Merges::Result* found = merges.find(symbols[i], symbols[i + 1]);
      if (found && (!best || found->rank < best->rank)) {
        best = found;
        at = i;
      }
    }
    if (!best)
      return symbols;
    symbols[at] = best->id;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

std::vector<TokenId> join(const std::vector<TokenId>& symbols, const Merges& merges) {
  base::Budget budget = test::plenty();
  std::vector<TokenId> out;
  merges.apply(symbols, budget, out);
  return out;
}

} // namespace

class MergesTest : public QObject {
  Q_OBJECT

private slots:
  void joinsByRankThenFromTheLeft() {
    Merges merges;
    merges.add(1, 2, {1, 12});
    merges.add(2, 3, {0, 23});
    merges.add(1, 1, {2, 11});
    QCOMPARE(join({1, 2, 3, 1, 1, 1}, merges), (std::vector<TokenId>{1, 23, 11, 1}));
  }

  void keepsTheBetterRank() {
    Merges merges;
    merges.add(1, 2, {5, 50});
    merges.add(1, 2, {7, 70});
    merges.add(1, 2, {3, 30});
    QCOMPARE(merges.size(), size_t{1});
    QCOMPARE(merges.find(1, 2)->id, 30);
    QVERIFY(!merges.find(2, 1));
  }

  void emptyAndSingle() {
    const Merges merges;
    QCOMPARE(join({}, merges), std::vector<TokenId>{});
    QCOMPARE(join({7}, merges), std::vector<TokenId>{7});
    QCOMPARE(join({7, 8}, merges), (std::vector<TokenId>{7, 8}));
  }

  void equalsTheDefinition() {
    std::mt19937 random(1);
    for (int round = 0; round < 200; ++round) {
      Merges merges;
      const int pairs = static_cast<int>(random() % 60);
      TokenId next = 8;
      for (int i = 0; i < pairs; ++i) {
        const auto left = static_cast<TokenId>(random() % static_cast<unsigned>(next));
        const auto right = static_cast<TokenId>(random() % static_cast<unsigned>(next));
        // Some ranks are equal, like those of pieces with equal scores.
        merges.add(left, right, {static_cast<uint32_t>(random() % 40), next++});
      }
      std::vector<TokenId> symbols(random() % 200);
      for (TokenId& symbol : symbols)
        symbol = static_cast<TokenId>(random() % 8);
      QCOMPARE(join(symbols, merges), joinSlowly(symbols, merges));
    }
  }

  // Merging passes through unused tokens; one that remains is split into its parts.
  void unusedTokensAreTakenApart() {
    Merges merges;
    merges.add(1, 2, {0, 12});
    merges.add(12, 3, {1, 123});
    merges.add(123, 4, {2, 1234});
    QCOMPARE(join({1, 2, 3, 4}, merges), std::vector<TokenId>{1234});
    merges.setUnused(12);
    merges.setUnused(123);
    QCOMPARE(join({1, 2, 3, 4}, merges), std::vector<TokenId>{1234});
    QCOMPARE(join({1, 2, 3}, merges), (std::vector<TokenId>{1, 2, 3}));
    QCOMPARE(join({1, 2}, merges), (std::vector<TokenId>{1, 2}));
  }

  void stopsInALongWord() {
    Merges merges;
    merges.add(1, 1, {0, 1});
    std::stop_source source;
    source.request_stop();
    base::Budget budget("test", {uint64_t{1} << 30, uint64_t{1} << 40, 600}, source.get_token());
    std::vector<TokenId> out;
    QVERIFY_EXCEPTION_THROWN(merges.apply(std::vector<TokenId>(1000, 1), budget, out), base::Cancelled);
  }
};

NIB_TEST(MergesTest)
#include "merges_test.moc"
