// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"
#include "fuzz_target.hpp"

using namespace nibblesmith;
using base::Json;

namespace {

/// Aborts if an accepted value differs from the result of the library's own parser.
void requireSame(const Json& found, std::string_view text) {
  const Json expected = Json::parse(text, nullptr, false);
  if (expected.is_discarded() || expected != found)
    std::abort();
}

void readFields(const Json& json) {
  for (const char* key : {"a", "size", "", "list"}) {
    fuzz::mayRefuse([&] { base::required<int32_t>(json, key, "fuzz"); });
    fuzz::mayRefuse([&] { base::required<uint64_t>(json, key, "fuzz"); });
    fuzz::mayRefuse([&] { base::required<std::string>(json, key, "fuzz"); });
    fuzz::mayRefuse([&] { base::required<std::vector<int64_t>>(json, key, "fuzz"); });
    fuzz::mayRefuse([&] { base::optional<double>(json, key, 0.0, "fuzz"); });
    fuzz::mayRefuse([&] { base::requiredObject(json, key, "fuzz"); });
  }
  if (base::briefJson(json).size() > 1000)
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  fuzz::mayRefuse([&] {
    const Json json = base::parseJson(text, "fuzz");
    requireSame(json, text);
    readFields(json);
  });
  Json whole = Json::object();
  fuzz::mayRefuse([&] {
    base::forEachJsonEntry(text, "fuzz", Json::value_t::object, "an object",
                           [&](const std::string& key, Json& value) { whole[key] = std::move(value); });
    requireSame(whole, text);
  });
  return 0;
}
