// SPDX-License-Identifier: Apache-2.0
#include "base/json_builder.hpp"

#include "base/foreign_text.hpp"

namespace nibblesmith::base {

namespace {

constexpr size_t kMaxDepth = 64;
// The tokenizer of a large model, 262,144 tokens and 580,000 merges in 33 MB of text, counts as about 300 MB.
constexpr uint64_t kMaxMemory = uint64_t{512} << 20;

// 256 MiB of text have at most 130 million values, which take about ten seconds.
constexpr BudgetLimits kLimits = {kMaxMemory, 1'000'000'000, 120};

// Memory of values with libstdc++ and glibc. An array may have twice the capacity it needs; an object's entry
// is a tree node. The library's destructor moves all values of an array or object to a growing stack, up to
// three times their size. It must not throw, so memory is reserved for it.
constexpr uint64_t kItemBytes = (2 + 3) * sizeof(Json);
constexpr uint64_t kEntryBytes = 96 + 3 * sizeof(Json);
constexpr uint64_t kContainerBytes = 64;
constexpr uint64_t kStringBytes = 48;

uint64_t heapBytes(const std::string& text) { return text.size() < 16 ? 0 : text.size() + 17; }

} // namespace

JsonBuilder::JsonBuilder(std::string_view origin, const std::stop_token& stop, const JsonEntries* entries)
    : m_origin(origin), m_entries(entries), m_budget(m_origin, kLimits, stop) {}

bool JsonBuilder::string(string_t& value) {
  take(kStringBytes + heapBytes(value));
  return add(value);
}

bool JsonBuilder::key(string_t& key) {
  if (isEntry()) {
    m_entryKey = key;
    return true;
  }
  take(kEntryBytes + heapBytes(key));
  auto& object = m_levels.back().container->get_ref<Json::object_t&>();
  const auto [entry, isNew] = object.try_emplace(key);
  if (!isNew) {
    const std::string outer = fieldOf(m_levels.size() - 1);
    throw Error(ErrorCode::Corrupt, m_origin + ": '" + foreignText(key) + "' appears twice in " +
                                        (outer.empty() ? "the outermost object" : "'" + outer + "'"));
  }
  m_levels.back().key = &entry->first;
  m_levels.back().slot = &entry->second;
  return true;
}

bool JsonBuilder::parse_error(size_t, const std::string&, const Json::exception& failure) {
  // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
  std::string_view what = failure.what();
  if (const size_t end = what.find("] "); end != std::string_view::npos)
    what.remove_prefix(end + 2);
  throw Error(ErrorCode::Corrupt, m_origin + ": not valid JSON: " + foreignText(what, 300));
}

bool JsonBuilder::add(Json value) {
  place(std::move(value));
  if (isEntry())
    handOver();
  return true;
}

bool JsonBuilder::start(Json::value_t type) {
  if (m_levels.size() == kMaxDepth)
    throw Error(ErrorCode::Corrupt, m_origin + ": '" + field() + "': JSON is nested deeper than " +
                                        std::to_string(kMaxDepth) + " levels");
  take(kContainerBytes);
  m_levels.push_back({place(Json(type))});
  return true;
}

bool JsonBuilder::end() {
  m_levels.pop_back();
  if (isEntry())
    handOver();
  return true;
}

Json* JsonBuilder::place(Json value) {
  if (m_levels.empty()) {
    if (m_entries && value.type() != m_entries->container)
      throw Error(ErrorCode::Corrupt, m_origin + ": expected " + std::string(m_entries->expected) +
                                          ", found " + value.type_name());
    m_root = std::move(value);
    return &m_root;
  }
  if (isEntry()) {
    m_entry = std::move(value);
    return &m_entry;
  }
  const Level& level = m_levels.back();
  if (level.container->is_object()) {
    *level.slot = std::move(value);
    return level.slot;
  }
  take(kItemBytes);
  auto& items = level.container->get_ref<Json::array_t&>();
  items.push_back(std::move(value));
  return &items.back();
}

void JsonBuilder::take(uint64_t bytes) {
  m_budget.step(1, "JSON");
  if (bytes > kMaxMemory - m_budget.bytes())
    m_budget.hold(bytes, "'" + field() + "'");
  m_budget.hold(bytes, {});
}

void JsonBuilder::handOver() {
  m_entries->visit(m_entryKey, m_entry);
  ++m_entriesSoFar;
  m_entry = nullptr;
  m_budget.release(m_budget.bytes());
}

std::string JsonBuilder::fieldOf(size_t levels) const {
  std::string path;
  const auto append = [&path](const std::string& key) {
    path += (path.empty() ? "" : ".") + foreignText(key, 60);
  };
  for (size_t i = 0; i < levels; ++i) {
    const Level& level = m_levels[i];
    if (m_entries && i == 0 && level.container->is_array())
      path += "[" + std::to_string(m_entriesSoFar) + "]";
    else if (m_entries && i == 0)
      append(m_entryKey);
    else if (level.key)
      append(*level.key);
    else if (level.container->is_array() && !level.container->empty())
      path += "[" + std::to_string(level.container->size() - 1) + "]";
  }
  return path;
}

} // namespace nibblesmith::base
