// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/regex.hpp"

#include "base/error.hpp"

#include <array>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace nibblesmith::checkpoint {

namespace {

using base::Error;
using base::ErrorCode;

constexpr size_t kMaxPatternBytes = 16384;
// Tokenizers' patterns take a few steps per character; a run of blanks may be walked once per alternative.
constexpr uint32_t kMaxSteps = 20'000'000;

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatch {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct FreeContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

// \w of PCRE2 before 10.43 leaves out marks, which the engines of Python and of tokenizers count as word
// characters: it is written out. A negated one inside of a class cannot be, and stays.
std::string spellOutWordClass(std::string_view pattern) {
  constexpr const char* kWord = R"(\p{L}\p{M}\p{N}\p{Pc})";
  std::string spelled;
  size_t classBegin = std::string::npos; // where the class we are in begins
  for (size_t at = 0; at < pattern.size(); ++at) {
    const bool inClass = classBegin != std::string::npos;
    if (pattern[at] == '\\' && at + 1 < pattern.size()) {
      const char escaped = pattern[++at];
      if (escaped == 'w')
        spelled += inClass ? std::string(kWord) : std::string("[") + kWord + "]";
      else if (escaped == 'W' && !inClass)
        spelled += std::string("[^") + kWord + "]";
      else
        spelled += {'\\', escaped};
      continue;
    }
    if (!inClass && pattern[at] == '[') {
      classBegin = at + (pattern.substr(at).starts_with("[^") ? 1 : 0);
      spelled += pattern.substr(at, classBegin - at);
      at = classBegin;
    } else if (inClass && pattern[at] == ']' && at > classBegin + 1) {
      classBegin = std::string::npos;
    }
    spelled += pattern[at];
  }
  return spelled;
}

std::string errorText(int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

} // namespace

struct Regex::State {
  std::unique_ptr<pcre2_code, FreeCode> code;
  std::unique_ptr<pcre2_match_context, FreeContext> context;
  std::string pattern;
  std::string origin;
};

Regex::Regex(std::string_view pattern, const std::string& origin) : m_state(std::make_unique<State>()) {
  m_state->pattern = pattern;
  m_state->origin = origin;
  if (pattern.size() > kMaxPatternBytes)
    throw Error(ErrorCode::Corrupt, origin + ": a pattern of " + std::to_string(pattern.size()) +
                                        " bytes, expected at most " + std::to_string(kMaxPatternBytes));
  int code = 0;
  PCRE2_SIZE position = 0;
  const std::string spelled = spellOutWordClass(pattern);
  m_state->code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(spelled.data()), spelled.size(),
                                    PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &code, &position,
                                    nullptr));
  if (!m_state->code)
    throw Error(ErrorCode::Corrupt, origin + ": pattern '" + m_state->pattern.substr(0, 200) +
                                        "' does not compile: " + errorText(code) + " at byte " +
                                        std::to_string(position));
  // Where there is no just-in-time compiler for the machine, matching is interpreted: slower, the same
  // result.
  pcre2_jit_compile(m_state->code.get(), PCRE2_JIT_COMPLETE);
  m_state->context.reset(pcre2_match_context_create(nullptr));
  if (!m_state->context)
    throw Error(ErrorCode::OutOfMemory, origin + ": no memory for a pattern");
  pcre2_set_match_limit(m_state->context.get(), kMaxSteps);
  // In kibibytes: a bound on what a nested pattern may take on the heap.
  pcre2_set_heap_limit(m_state->context.get(), 256 * 1024);
}

Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

std::optional<std::pair<size_t, size_t>> Regex::find(std::string_view text, size_t from) const {
  thread_local const std::unique_ptr<pcre2_match_data, FreeMatch> t_match(
      pcre2_match_data_create(1, nullptr));
  if (!t_match)
    throw Error(ErrorCode::OutOfMemory, m_state->origin + ": no memory for a match");
  const auto match = [&](uint32_t options) {
    return pcre2_match(m_state->code.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                       PCRE2_NO_UTF_CHECK | options, t_match.get(), m_state->context.get());
  };
  int found = match(0);
  // Compiled code runs on a small fixed stack, the interpreter on a limited heap.
  if (found == PCRE2_ERROR_JIT_STACKLIMIT)
    found = match(PCRE2_NO_JIT);
  if (found == PCRE2_ERROR_NOMATCH)
    return std::nullopt;
  if (found < 0)
    throw Error(ErrorCode::NotSupported, m_state->origin + ": pattern '" + m_state->pattern.substr(0, 200) +
                                             "' gave up at byte " + std::to_string(from) + " of " +
                                             std::to_string(text.size()) + ": " + errorText(found));
  const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(t_match.get());
  // \K can set the beginning behind the end.
  if (ends[0] > ends[1])
    return std::nullopt;
  return std::pair<size_t, size_t>(ends[0], ends[1]);
}

bool Regex::matchesStart(std::string_view text) const {
  const auto found = find(text, 0);
  return found && found->first == 0;
}

} // namespace nibblesmith::checkpoint
