// SPDX-License-Identifier: Apache-2.0
#include "calibration/lint.hpp"

#include "base/error.hpp"
#include "base/hash.hpp"
#include "calibration/token_source.hpp"
#include "calibration/words.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <unordered_set>

namespace nibblesmith::calibration {

namespace {

constexpr int64_t kShortTokens = 8;
constexpr size_t kExamples = 3;
constexpr size_t kNgramWords = 13;
constexpr size_t kShortestNgram = 8;

/// Text to check, with its name.
struct Unit {
  std::string text;
  std::string origin;
};

/// Collects the entries that one check reports.
class Tally {
public:
  explicit Tally(const char* check) { m_finding.check = check; }
  void add(const std::string& origin) {
    ++m_finding.count;
    if (m_finding.examples.size() < kExamples)
      m_finding.examples.push_back(origin);
  }
  int64_t count() const { return m_finding.count; }
  /// Adds the finding "3 of 90 prompts <message>" if there are any entries.
  void report(const std::string& total, const std::string& message, std::vector<Finding>& findings) {
    if (m_finding.count == 0)
      return;
    m_finding.message = std::to_string(m_finding.count) + " of " + total + " " + message;
    findings.push_back(std::move(m_finding));
  }

private:
  Finding m_finding;
};

class Linter {
public:
  Linter(const ModelContext& model, const CalibrationOptions& options, const std::stop_token& stop,
         CalibrationReport& report)
      : m_model(model), m_options(options), m_stop(stop), m_report(report) {}

  void readUnits(const std::filesystem::path& path);
  void findDuplicates();
  void findShortPrompts();
  void findMissingBos();
  void findTemplateProblems();
  void findOverlap(const std::filesystem::path& evaluation);

private:
  std::string total() const {
    return std::to_string(m_units.size()) + (m_prompts.empty() ? " samples" : " prompts");
  }
  std::vector<std::string> evaluationTexts(const std::filesystem::path& evaluation) const;

  const ModelContext& m_model;
  const CalibrationOptions& m_options;
  const std::stop_token& m_stop;
  CalibrationReport& m_report;
  std::vector<Prompt> m_prompts;
  std::vector<Unit> m_units; ///< prompts, or the samples of a stream
};

void Linter::readUnits(const std::filesystem::path& path) {
  m_report.entries = 1;
  m_report.kind = isTokenFile(path) ? "ids" : "text";
  if (isPromptFile(path)) {
    m_prompts = readPrompts(path, m_stop);
    m_report.entries = std::ssize(m_prompts);
    const auto isChat = [](const Prompt& prompt) { return !prompt.messages.empty(); };
    m_report.kind = std::any_of(m_prompts.begin(), m_prompts.end(), isChat) ? "chats" : "prompts";
    for (const Prompt& prompt : m_prompts)
      m_units.push_back({plainText(prompt), prompt.origin});
    return;
  }
  for (size_t i = 0; i < m_report.set.sequences.size(); ++i) {
    base::throwIfStopped(m_stop);
    m_units.push_back({m_model.tokenizer->decode(m_report.set.sequences[i]), "sample " + std::to_string(i)});
  }
}

void Linter::findDuplicates() {
  Tally exact("duplicates");
  Tally near("near duplicates");
  std::unordered_set<std::string> texts;
  std::unordered_set<std::string> normalized;
  for (const Unit& unit : m_units) {
    base::throwIfStopped(m_stop);
    const bool isNewText = texts.insert(base::sha256(unit.text)).second;
    const std::string words = normalizedText(unit.text);
    const bool isNewWords = words.empty() || normalized.insert(base::sha256(words)).second;
    if (!isNewText)
      exact.add(unit.origin);
    else if (!isNewWords)
      near.add(unit.origin);
  }
  exact.report(total(), "repeat an earlier one", m_report.findings);
  near.report(total(), "repeat an earlier one except for case, punctuation or blanks", m_report.findings);
}

void Linter::findShortPrompts() {
  Tally brief("short prompts");
  for (const Prompt& prompt : m_prompts) {
    base::throwIfStopped(m_stop);
    const std::string text = plainText(prompt);
    // Tokens are at most 16 bytes long in practice, so texts of 128 bytes or more are never short.
    if (text.size() < 16 * kShortTokens &&
        std::ssize(m_model.tokenizer->encode(text, false, false, m_stop)) < kShortTokens)
      brief.add(prompt.origin);
  }
  brief.report(total(),
               "are shorter than " + std::to_string(kShortTokens) + " tokens and give hardly any context",
               m_report.findings);
}

void Linter::findMissingBos() {
  const tokenizer::Tokenizer& tokenizer = *m_model.tokenizer;
  if (!tokenizer.vocabulary().addBos || tokenizer.bos() < 0)
    return;
  Tally without("missing BOS");
  const auto& sequences = m_report.set.sequences;
  for (size_t i = 0; i < sequences.size(); ++i)
    if (sequences[i].front() != tokenizer.bos())
      without.add("sample " + std::to_string(i));
  without.report(
      std::to_string(sequences.size()) + " samples",
      "begin without BOS, which the tokenizer puts before every text. Windows of running text have none; "
      "prompts get one each",
      m_report.findings);
}

void Linter::findTemplateProblems() {
  Tally foreign("template mismatch");
  Tally written("markers as text");
  Tally plain("no template");
  std::string name;
  for (const Unit& unit : m_units) {
    base::throwIfStopped(m_stop);
    const std::string markers = tokenizer::chatMarkersIn(unit.text);
    if (markers.empty())
      continue;
    if (m_model.chat && markers == m_model.chat->name()) {
      written.add(unit.origin);
      continue;
    }
    foreign.add(unit.origin);
    name = name.empty() || name == markers ? markers : "other";
  }
  foreign.report(total(),
                 "contain markers of " + (name == "other" ? "other templates" : "the template " + name) +
                     ", the model has " + (m_model.chat ? m_model.chat->name() : "no known template"),
                 m_report.findings);
  if (!m_prompts.empty())
    written.report(
        total(),
        "contain the markers of the model's template as text; write them as {\"messages\": …}, or the "
        "model sees no special tokens",
        m_report.findings);
  if (!m_model.chat || m_options.chatTemplate == ChatTemplateUse::All || m_prompts.empty())
    return;
  for (const Prompt& prompt : m_prompts)
    if (m_options.chatTemplate == ChatTemplateUse::None || prompt.messages.empty())
      plain.add(prompt.origin);
  plain.report(total(),
               "are used without the model's chat template (" + m_model.chat->name() +
                   "); set chatTemplate to \"all\" to format them as the model expects",
               m_report.findings);
}

std::vector<std::string> Linter::evaluationTexts(const std::filesystem::path& evaluation) const {
  if (isTokenFile(evaluation))
    return {m_model.tokenizer->decode(readTokenIds(evaluation, m_model.tokenizer->vocabularySize()))};
  if (!isPromptFile(evaluation))
    return {readPlainText(evaluation, m_stop)};
  std::vector<std::string> texts;
  for (const Prompt& prompt : readPrompts(evaluation, m_stop))
    texts.push_back(plainText(prompt));
  return texts;
}

void Linter::findOverlap(const std::filesystem::path& evaluation) {
  std::vector<std::vector<uint64_t>> words;
  std::map<size_t, std::unordered_set<uint64_t>> ngrams; // by length; only lengths that occur in m_units
  for (const Unit& unit : m_units) {
    words.push_back(wordHashes(unit.text));
    if (words.back().size() >= kShortestNgram)
      ngrams[std::min(kNgramWords, words.back().size())];
  }
  for (const std::string& text : evaluationTexts(evaluation)) {
    base::throwIfStopped(m_stop);
    const std::vector<uint64_t> theirs = wordHashes(text);
    for (auto& [length, known] : ngrams)
      for (const uint64_t ngram : ngramHashes(theirs, length))
        known.insert(ngram);
  }
  Tally overlap("evaluation overlap");
  for (size_t i = 0; i < m_units.size(); ++i) {
    base::throwIfStopped(m_stop);
    if (words[i].size() < kShortestNgram)
      continue;
    const size_t length = std::min(kNgramWords, words[i].size());
    const std::vector<uint64_t> ours = ngramHashes(words[i], length);
    if (std::any_of(ours.begin(), ours.end(), [&](uint64_t ngram) { return ngrams[length].contains(ngram); }))
      overlap.add(m_units[i].origin);
  }
  overlap.report(total(),
                 "share " + std::to_string(kNgramWords) + " words in a row with the evaluation text '" +
                     evaluation.filename().string() + "'; results on that text will look too good",
                 m_report.findings);
}

} // namespace

CalibrationReport lint(const std::filesystem::path& path, const std::filesystem::path& evaluation,
                       const ModelContext& model, const CalibrationOptions& options, base::ThreadPool& pool,
                       const std::stop_token& stop, base::Progress& progress) {
  CalibrationReport report;
  base::SubProgress loading(progress, 0, 0.6);
  report.set = loadCalibration(path, model, options, pool, stop, loading);
  report.findings = report.set.findings;
  for (const auto& sequence : report.set.sequences)
    report.tokens += std::ssize(sequence);
  if (model.chat)
    report.chatTemplate = model.chat->name();
  progress.report(0.6, "checking the data");
  Linter linter(model, options, stop, report);
  linter.readUnits(path);
  linter.findDuplicates();
  linter.findShortPrompts();
  linter.findMissingBos();
  linter.findTemplateProblems();
  progress.report(0.8, "checking the data");
  if (!evaluation.empty())
    linter.findOverlap(evaluation);
  progress.report(1, "done");
  return report;
}

} // namespace nibblesmith::calibration
