// SPDX-License-Identifier: Apache-2.0
#include "calibration/calibration_set.hpp"

#include "base/error_context.hpp"
#include "base/hash.hpp"
#include "base/thread_pool.hpp"
#include "calibration/diversity.hpp"
#include "calibration/sampling.hpp"
#include "calibration/token_source.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

namespace nibblesmith::calibration {

namespace {

using Ids = std::vector<tokenizer::TokenId>;
using Sequences = std::vector<Ids>;

/// Largest number of candidates for a diverse sample; of more, a random part is used, because k-means reads
/// each candidate many times.
constexpr int64_t kMaxCandidates = 8192;

[[noreturn]] void refuse(const std::string& field, const std::string& expected, const std::string& found) {
  throw base::Error(base::ErrorCode::InvalidArgument,
                    "calibration: '" + field + "': expected " + expected + ", found " + found);
}

/// Extracts sequences from one file with one set of options.
class Sampler {
public:
  Sampler(const ModelContext& model, const CalibrationOptions& options, base::ThreadPool& pool,
          const std::stop_token& stop, base::Progress& progress)
      : m_model(model), m_options(options), m_pool(pool), m_stop(stop), m_progress(progress) {}

  Sequences fromPrompts(const std::vector<Prompt>& prompts);
  /// Splits a stream into consecutive windows. The remainder after the last full window is used only if there
  /// is no full window.
  Sequences fromStream(const Ids& stream);
  const std::vector<Finding>& findings() const { return m_findings; }

private:
  /// Returns the numbers 0..total-1 in the order of selection. ids(i) returns the ids of number i, for a
  /// diverse order.
  std::vector<int64_t> order(int64_t total, const std::function<Ids(int64_t)>& ids);
  /// Concatenates prompts, each with its BOS, until a sequence is full. The prompt that crosses the end is
  /// cut there, so every sequence starts at the start of a prompt. Returns false once there are enough
  /// sequences.
  bool pack(const Ids& ids, Sequences& sequences) const;
  /// Adds a prompt as a separate sequence. Returns false once there are enough sequences.
  bool add(Ids ids, Sequences& sequences) const;

  const ModelContext& m_model;
  const CalibrationOptions& m_options;
  base::ThreadPool& m_pool;
  const std::stop_token& m_stop;
  base::Progress& m_progress;
  std::vector<Finding> m_findings;
};

std::vector<int64_t> Sampler::order(int64_t total, const std::function<Ids(int64_t)>& ids) {
  if (m_options.sampling == Sampling::Random)
    return sampleWithoutReplacement(total, total, m_options.seed);
  std::vector<int64_t> all(static_cast<size_t>(total));
  std::iota(all.begin(), all.end(), int64_t{0});
  if (m_options.sampling == Sampling::First)
    return all;
  if (!m_model.model)
    refuse("sampling", "\"random\" or \"first\" without a model", "\"diverse\"");
  if (total > kMaxCandidates) {
    m_findings.push_back({"many candidates",
                          "the diverse sample is taken from " + std::to_string(kMaxCandidates) + " of the " +
                              std::to_string(total) + " candidates, chosen at random",
                          total,
                          {}});
    all = sampleWithoutReplacement(total, kMaxCandidates, m_options.seed);
    std::sort(all.begin(), all.end());
  }
  Sequences candidates;
  for (const int64_t index : all) {
    base::throwIfStopped(m_stop);
    candidates.push_back(ids(index));
    m_progress.report(0.5 * static_cast<double>(candidates.size()) / static_cast<double>(all.size()),
                      "reading prompts");
  }
  m_progress.report(0.5, "choosing a diverse sample");
  const tensor::Matrix points = meanEmbeddings(candidates, m_model.model->embedding(), m_pool, m_stop);
  std::vector<int64_t> chosen = diverseOrder(points, m_options.samples, m_options.seed, m_pool, m_stop);
  for (int64_t& index : chosen)
    index = all[static_cast<size_t>(index)];
  return chosen;
}

Sequences Sampler::fromStream(const Ids& stream) {
  const auto length = static_cast<size_t>(m_options.length);
  if (stream.size() < length)
    return stream.size() < 2 ? Sequences{} : Sequences{stream};
  const auto window = [&](int64_t index) {
    const auto begin = stream.begin() + index * m_options.length;
    return Ids(begin, begin + m_options.length);
  };
  std::vector<int64_t> chosen = order(static_cast<int64_t>(stream.size() / length), window);
  chosen.resize(std::min(chosen.size(), static_cast<size_t>(m_options.samples)));
  std::sort(chosen.begin(), chosen.end());
  Sequences windows;
  for (const int64_t index : chosen)
    windows.push_back(window(index));
  return windows;
}

bool Sampler::pack(const Ids& ids, Sequences& sequences) const {
  const auto length = static_cast<size_t>(m_options.length);
  if (sequences.empty() || sequences.back().size() == length) {
    if (static_cast<int64_t>(sequences.size()) == m_options.samples)
      return false;
    sequences.emplace_back();
  }
  auto& sequence = sequences.back();
  const size_t taken = std::min(ids.size(), length - sequence.size());
  sequence.insert(sequence.end(), ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(taken));
  return true;
}

bool Sampler::add(Ids ids, Sequences& sequences) const {
  if (static_cast<int64_t>(sequences.size()) == m_options.samples)
    return false;
  ids.resize(std::min(ids.size(), static_cast<size_t>(m_options.length)));
  if (ids.size() >= 2)
    sequences.push_back(std::move(ids));
  return true;
}

bool isBlank(const Prompt& prompt) {
  return prompt.messages.empty() && prompt.text.find_first_not_of(" \t\r\n") == std::string::npos;
}

Sequences Sampler::fromPrompts(const std::vector<Prompt>& prompts) {
  std::vector<const Prompt*> usable;
  for (const Prompt& prompt : prompts)
    if (!isBlank(prompt))
      usable.push_back(&prompt);
  const auto ids = [&](int64_t i) {
    return encodePrompt(*usable[static_cast<size_t>(i)], m_model, m_options, m_stop);
  };
  Sequences sequences;
  for (const int64_t index : order(static_cast<int64_t>(usable.size()), ids)) {
    base::throwIfStopped(m_stop);
    if (m_options.packing == Packing::None ? !add(ids(index), sequences) : !pack(ids(index), sequences))
      break;
    m_progress.report(0.5 + 0.5 * static_cast<double>(sequences.size()) /
                                static_cast<double>(m_options.samples + 1),
                      "reading prompts");
  }
  // A single token has no context to calibrate on.
  if (!sequences.empty() && sequences.back().size() < 2)
    sequences.pop_back();
  return sequences;
}

std::string hashOf(const Sequences& sequences) {
  base::Sha256 hash;
  const auto feed = [&](uint64_t value) {
    std::array<std::byte, 8> bytes;
    for (size_t b = 0; b < 8; ++b)
      bytes[b] = static_cast<std::byte>(value >> (8 * b));
    hash.update(bytes);
  };
  feed(sequences.size());
  for (const auto& sequence : sequences) {
    feed(sequence.size());
    for (const tokenizer::TokenId id : sequence)
      feed(static_cast<uint64_t>(id));
  }
  return hash.hexDigest();
}

/// Adds findings if there are fewer samples than requested, or shorter ones.
void findShortage(CalibrationSet& set, const CalibrationOptions& options) {
  const auto found = static_cast<int64_t>(set.sequences.size());
  if (found < options.samples)
    set.findings.push_back({"few samples",
                            "'" + set.source + "' gives " + std::to_string(found) + " of the " +
                                std::to_string(options.samples) + " samples asked for",
                            options.samples - found,
                            {}});
  Finding brief{"short samples", {}, 0, {}};
  int64_t shortest = std::numeric_limits<int64_t>::max();
  for (size_t i = 0; i < set.sequences.size(); ++i)
    if (const auto size = static_cast<int64_t>(set.sequences[i].size()); size < options.length) {
      ++brief.count;
      shortest = std::min(shortest, size);
      if (brief.examples.size() < 3)
        brief.examples.push_back("sample " + std::to_string(i));
    }
  brief.message = std::to_string(brief.count) + (brief.count == 1 ? " sample is" : " samples are") +
                  " shorter than " + std::to_string(options.length) +
                  " tokens (shortest: " + std::to_string(shortest) + ")";
  // Without packing, short samples are expected.
  if (brief.count > 0 && options.packing != Packing::None)
    set.findings.push_back(std::move(brief));
}

} // namespace

base::Json toJson(const std::vector<Finding>& findings) {
  base::Json json = base::Json::array();
  for (const Finding& finding : findings)
    json.push_back({{"check", finding.check},
                    {"message", finding.message},
                    {"count", finding.count},
                    {"examples", finding.examples}});
  return json;
}

Ids encodePrompt(const Prompt& prompt, const ModelContext& model, const CalibrationOptions& options,
                 const std::stop_token& stop) {
  const tokenizer::Tokenizer& tokenizer = *model.tokenizer;
  const bool isChat = !prompt.messages.empty();
  if (options.chatTemplate == ChatTemplateUse::None ||
      (!isChat && options.chatTemplate != ChatTemplateUse::All))
    return tokenizer.encode(plainText(prompt), true, false, stop);
  if (!model.chat)
    throw base::Error(base::ErrorCode::NotSupported,
                      "calibration: 'chatTemplate': " + prompt.origin + " needs a chat template, but " +
                          model.missingChatReason + "; set it to \"none\" to use the plain texts");
  const std::vector<tokenizer::ChatMessage> messages =
      isChat ? prompt.messages : std::vector<tokenizer::ChatMessage>{{"user", prompt.text}};
  const std::string text = base::inContext("calibration: " + prompt.origin, [&] {
    return model.chat->render(messages, messages.back().role != "assistant");
  });
  Ids ids = tokenizer.encode(text, false, true, stop);
  // Some templates leave BOS to the tokenizer, which puts it before every text.
  if (tokenizer.vocabulary().addBos && tokenizer.bos() >= 0 &&
      (ids.empty() || ids.front() != tokenizer.bos()))
    ids.insert(ids.begin(), tokenizer.bos());
  return ids;
}

CalibrationSet loadCalibration(const std::filesystem::path& path, const ModelContext& model,
                               const CalibrationOptions& options, base::ThreadPool& pool,
                               const std::stop_token& stop, base::Progress& progress) {
  checkOptions(options);
  CalibrationSet set;
  set.source = path.filename().string();
  Sampler sampler(model, options, pool, stop, progress);
  set.sequences = isPromptFile(path) ? sampler.fromPrompts(readPrompts(path, stop))
                                     : sampler.fromStream(readTokens(path, *model.tokenizer, stop));
  if (set.sequences.empty())
    throw base::Error(base::ErrorCode::InvalidArgument,
                      path.string() + ": expected text to calibrate on, found no usable prompt");
  const auto found = static_cast<int64_t>(set.sequences.size());
  if (4 * found < options.samples)
    refuse("samples",
           "at most " + std::to_string(4 * found) + ", four times what '" + path.string() + "' gives (" +
               std::to_string(found) + " of " + std::to_string(options.length) + " tokens)",
           std::to_string(options.samples));
  set.findings = sampler.findings();
  findShortage(set, options);
  set.hash = hashOf(set.sequences);
  return set;
}

} // namespace nibblesmith::calibration
