// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/regex.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <mutex>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace nibblesmith::checkpoint {

namespace {

using base::Budget;
using base::Error;
using base::ErrorCode;

// The longest patterns of published models have 2 KB. The JIT compiler takes 0.1 s for 4 KB of classes, and
// its time grows faster than linearly.
constexpr size_t kMaxPatternBytes = 4096;

/// Part of the text that one JIT call sees, and the number of start positions it tries. A larger window has
/// fewer positions, which keeps each call short enough for a cancel.
struct Window {
  size_t bytes;
  size_t places;
};
constexpr Window kWindows[] = {{512, 512}, {4096, 64}, {32768, 8}};
// Backtracking steps per start position of a JIT call. Tokenizer patterns take less than 32 on ordinary text.
constexpr uint32_t kFastBacktracks = 256;
// Heap limit of PCRE2 for nested patterns, in KiB.
constexpr uint32_t kHeapLimit = 256 * 1024;
// Cost of a library call and of a callout, in budget steps (one step: one character).
constexpr uint64_t kStepsPerCall = 16, kStepsPerCallout = 8;
// Limits for matching a tensor name.
constexpr base::BudgetLimits kNameLimits = {0, 1'000'000, 1};

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatch {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct FreeContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
using Code = std::unique_ptr<pcre2_code, FreeCode>;
using Context = std::unique_ptr<pcre2_match_context, FreeContext>;

// \w of PCRE2 before 10.43 excludes marks, which the engines of Python and of tokenizers count as word
// characters: it is replaced by an explicit class. \W inside a class cannot be replaced and stays.
std::string spellOutWordClass(std::string_view pattern) {
  constexpr const char* kWord = R"(\p{L}\p{M}\p{N}\p{Pc})";
  std::string spelled;
  size_t classBegin = std::string::npos; // start of the current class
  for (size_t at = 0; at < pattern.size(); ++at) {
    const bool inClass = classBegin != std::string::npos;
    if (pattern[at] == '\\' && at + 1 < pattern.size()) {
      const char escaped = pattern[++at];
      if (escaped == 'w')
        spelled.append(inClass ? "" : "[").append(kWord).append(inClass ? "" : "]");
      else if (escaped == 'W' && !inClass)
        spelled.append("[^").append(kWord).append("]");
      else
        spelled.append(pattern.substr(at - 1, 2));
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

Code compile(const std::string& pattern, uint32_t options, const std::string& where) {
  int code = 0;
  PCRE2_SIZE position = 0;
  Code compiled(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                              PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | options, &code, &position,
                              nullptr));
  if (!compiled)
    throw Error(ErrorCode::Corrupt,
                where + " does not compile: " + errorText(code) + " at byte " + std::to_string(position));
  return compiled;
}

/// Returns the end of the character that contains byte `at`.
size_t characterEnd(std::string_view text, size_t at) {
  while (at < text.size() && (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80)
    ++at;
  return std::min(at, text.size());
}

/// State of the interpreter's callout.
struct Watch {
  Budget& budget;
  const std::string& field;
  size_t position;
  std::exception_ptr failure;
};

/// Callback before each item of the pattern; charges the characters that the item moves over.
int watch(pcre2_callout_block* block, void* data) {
  auto& state = *static_cast<Watch*>(data);
  const size_t moved =
      std::max(state.position, block->current_position) - std::min(state.position, block->current_position);
  state.position = block->current_position;
  try {
    state.budget.step(kStepsPerCallout + moved, state.field);
  } catch (...) { // must not propagate through the C library
    state.failure = std::current_exception();
    return PCRE2_ERROR_CALLOUT;
  }
  return 0;
}

} // namespace

struct Regex::State {
  std::string spelled;
  Code fast; ///< JIT-compiled if supported, for windows of the text
  std::once_flag isCompiled;
  Code counted; ///< interpreted, with a callout before each item; compiled on first use
  std::string field;
  std::string origin;
};

Regex::Regex(std::string_view pattern, const std::string& origin, const std::string& field)
    : m_state(std::make_unique<State>()) {
  m_state->origin = origin;
  m_state->field =
      field + (field.empty() ? "" : ": ") + "pattern '" + std::string(pattern.substr(0, 200)) + "'";
  base::checkLimit(pattern.size(), kMaxPatternBytes, "bytes", origin + ": " + m_state->field);
  m_state->spelled = spellOutWordClass(pattern);
  m_state->fast = compile(m_state->spelled, PCRE2_USE_OFFSET_LIMIT, origin + ": " + m_state->field);
  // Without JIT support for the machine, matching is interpreted: slower, same result.
  pcre2_jit_compile(m_state->fast.get(), PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD);
}

Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

/// Match data of one thread.
struct Regex::Matcher {
  std::unique_ptr<pcre2_match_data, FreeMatch> data{pcre2_match_data_create(1, nullptr)};
  Context context{pcre2_match_context_create(nullptr)};

  static const Matcher& ofThread(const std::string& origin) {
    thread_local const Matcher t_matcher;
    if (!t_matcher.data || !t_matcher.context)
      throw Error(ErrorCode::OutOfMemory, origin + ": no memory to match a pattern");
    return t_matcher;
  }
  std::optional<Range> range() const {
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data.get());
    // \K can place the beginning after the end.
    return ends[0] <= ends[1] ? std::optional(Range(ends[0], ends[1])) : std::nullopt;
  }
};

std::optional<Regex::Range> Regex::find(std::string_view text, size_t from, Budget& budget) const {
  const Matcher& matcher = Matcher::ofThread(m_state->origin);
  pcre2_match_context* context = matcher.context.get();
  pcre2_set_match_limit(context, kFastBacktracks);
  pcre2_set_heap_limit(context, kHeapLimit);
  size_t window = 0;
  for (size_t begin = from;;) {
    const size_t end = characterEnd(text, begin + kWindows[window].bytes);
    const size_t next = characterEnd(text, begin + kWindows[window].places);
    const uint32_t partial = end < text.size() ? PCRE2_PARTIAL_HARD : 0;
    pcre2_set_offset_limit(context, next < text.size() ? next - 1 : PCRE2_UNSET);
    budget.step(kStepsPerCall, m_state->field);
    const int found = pcre2_match(m_state->fast.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), end, begin,
                                  PCRE2_NO_UTF_CHECK | partial, matcher.data.get(), context);
    if (found >= 0) {
      const auto range = matcher.range();
      budget.step(range ? range->second - std::min(from, range->second) : 0, m_state->field);
      return range;
    }
    if (found == PCRE2_ERROR_NOMATCH) {
      if (next == text.size())
        return std::nullopt;
      budget.step(next - begin, m_state->field);
      begin = next;
      window = 0;
    } else if (found == PCRE2_ERROR_PARTIAL) {
      // There is no match before the partial one, which reached the end of the window.
      const size_t start = pcre2_get_startchar(matcher.data.get());
      if (start > begin) {
        begin = start;
        window = 0;
      } else if (++window == std::size(kWindows)) {
        return findCounted(text, begin, budget);
      }
    } else if (found == PCRE2_ERROR_MATCHLIMIT || found == PCRE2_ERROR_JIT_STACKLIMIT ||
               found == PCRE2_ERROR_HEAPLIMIT) {
      return findCounted(text, begin, budget);
    } else {
      giveUp(found, begin, text.size());
    }
  }
}

std::optional<Regex::Range> Regex::findCounted(std::string_view text, size_t from, Budget& budget) const {
  const Matcher& matcher = Matcher::ofThread(m_state->origin);
  const Context context(pcre2_match_context_create(nullptr));
  if (!context)
    throw Error(ErrorCode::OutOfMemory, m_state->origin + ": no memory to match a pattern");
  std::call_once(m_state->isCompiled, [&] {
    m_state->counted = compile(m_state->spelled, PCRE2_AUTO_CALLOUT,
                               m_state->origin + ": " + m_state->field + " with callouts");
  });
  Watch state{budget, m_state->field, from, nullptr};
  pcre2_set_callout(context.get(), watch, &state);
  pcre2_set_match_limit(context.get(), UINT32_MAX);
  pcre2_set_depth_limit(context.get(), UINT32_MAX);
  pcre2_set_heap_limit(context.get(), kHeapLimit);
  const int found = pcre2_match(m_state->counted.get(), reinterpret_cast<PCRE2_SPTR>(text.data()),
                                text.size(), from, PCRE2_NO_UTF_CHECK, matcher.data.get(), context.get());
  if (state.failure)
    std::rethrow_exception(state.failure);
  if (found == PCRE2_ERROR_NOMATCH)
    return std::nullopt;
  if (found < 0)
    giveUp(found, from, text.size());
  return matcher.range();
}

void Regex::giveUp(int code, size_t at, size_t size) const {
  throw Error(ErrorCode::NotSupported, m_state->origin + ": " + m_state->field + " gave up at byte " +
                                           std::to_string(at) + " of " + std::to_string(size) + ": " +
                                           errorText(code));
}

bool Regex::matchesStart(std::string_view text) const {
  Budget budget(m_state->origin, kNameLimits);
  const auto found = find(text, 0, budget);
  return found && found->first == 0;
}

} // namespace nibblesmith::checkpoint
