// SPDX-License-Identifier: Apache-2.0
#include "model/rope_scaling.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nibblesmith::model {

namespace {

using base::ErrorCode;
using base::Json;

/// Upper bound for maxPositions: above the limit of checkConfig(), and safe to multiply by a factor.
constexpr int64_t kPositionsBound = int64_t{1} << 32;

/// Scaling object of config.json with checked access to its fields.
class Scaling {
public:
  Scaling(const Json& scaling, const Json& whole, int64_t maxPositions, const std::string& key,
          const std::string& origin)
      : m_scaling(scaling), m_whole(whole), m_maxPositions(maxPositions), m_key(key), m_origin(origin) {
    if (!scaling.is_object())
      refuse("expected null or an object, found " + std::string(scaling.type_name()));
  }

  std::string type() const {
    const auto type = base::optional<std::string>(m_scaling, "rope_type", "", m_origin);
    return type.empty() ? base::optional<std::string>(m_scaling, "type", "default", m_origin) : type;
  }
  Json field(const char* name) const { return m_scaling.value(name, Json()); }
  bool has(const char* field) const { return m_scaling.contains(field) && !m_scaling.at(field).is_null(); }
  /// Reads a positive number.
  double number(const char* field) const {
    return positive(field, base::required<double>(m_scaling, field, where()));
  }
  double number(const char* field, double fallback) const {
    return positive(field, base::optional<double>(m_scaling, field, fallback, where()));
  }
  bool flag(const char* field, bool fallback) const {
    return base::optional<bool>(m_scaling, field, fallback, where());
  }
  double originalPositions() const {
    const char* field = "original_max_position_embeddings";
    const double beside =
        base::optional<double>(m_whole, field, static_cast<double>(m_maxPositions), m_origin);
    return number(field, beside);
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw base::Error(ErrorCode::NotSupported, where() + ": " + what);
  }
  [[noreturn]] void corrupt(const std::string& what) const {
    throw base::Error(ErrorCode::Corrupt, where() + ": " + what);
  }

private:
  std::string where() const { return m_origin + ": '" + m_key + "'"; }
  double positive(const char* field, double value) const {
    if (!(value > 0) || value > 1e9)
      corrupt("'" + std::string(field) + "': expected a positive number, found " + std::to_string(value));
    return value;
  }

  const Json& m_scaling;
  const Json& m_whole;
  int64_t m_maxPositions;
  const std::string& m_key;
  const std::string& m_origin;
};

double inverseFrequency(const Rotary& rotary, int64_t i) {
  return std::pow(static_cast<double>(rotary.theta),
                  -2.0 * static_cast<double>(i) / static_cast<double>(rotary.dimensions));
}

template <typename Divisor>
void fillDivisors(Rotary& rotary, Divisor divisor) {
  rotary.divisors.clear();
  for (int64_t i = 0; i < rotary.dimensions / 2; ++i)
    rotary.divisors.push_back(static_cast<float>(divisor(i)));
}

/// Llama 3 scaling: divides low frequencies by the factor, keeps high ones, interpolates between.
void applyLlama3(const Scaling& scaling, Rotary& rotary) {
  const double factor = scaling.number("factor");
  const double low = scaling.number("low_freq_factor"), high = scaling.number("high_freq_factor");
  const double positions = scaling.originalPositions();
  if (high <= low)
    scaling.corrupt("'high_freq_factor': expected more than the low one, " + std::to_string(low) +
                    ", found " + std::to_string(high));
  fillDivisors(rotary, [&](int64_t i) {
    const double turns = positions * inverseFrequency(rotary, i) / (2 * std::numbers::pi);
    if (turns > high)
      return 1.0;
    if (turns < low)
      return factor;
    const double smooth = (turns - low) / (high - low);
    return 1.0 / ((1.0 - smooth) / factor + smooth);
  });
}

double yarnMagnitude(const Scaling& scaling, double factor) {
  const auto magnitude = [factor](double scale) {
    return factor <= 1 ? 1.0 : 0.1 * scale * std::log(factor) + 1.0;
  };
  if (scaling.has("attention_factor"))
    return scaling.number("attention_factor");
  if (scaling.has("mscale") && scaling.has("mscale_all_dim"))
    return magnitude(scaling.number("mscale")) / magnitude(scaling.number("mscale_all_dim"));
  return magnitude(1.0);
}

void applyYarn(const Scaling& scaling, Rotary& rotary) {
  const double factor = static_cast<float>(scaling.number("factor")); // f32, as GGUF files store it
  const double positions = scaling.originalPositions();
  const auto dimensions = static_cast<double>(rotary.dimensions);
  const auto dimensionOf = [&](double turns) {
    return dimensions * std::log(positions / (turns * 2 * std::numbers::pi)) /
           (2 * std::log(static_cast<double>(rotary.theta)));
  };
  double low = dimensionOf(scaling.number("beta_fast", 32)),
         high = dimensionOf(scaling.number("beta_slow", 1));
  if (scaling.flag("truncate", true)) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dimensions - 1);
  if (low == high)
    high += 0.001;
  fillDivisors(rotary, [&](int64_t i) {
    const double kept = 1.0 - std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    return 1.0 / ((1.0 - kept) / factor + kept);
  });
  rotary.magnitude = static_cast<float>(yarnMagnitude(scaling, factor));
  rotary.yarn = Yarn{static_cast<float>(factor), static_cast<int64_t>(positions),
                     static_cast<float>(scaling.number("beta_fast", 32)),
                     static_cast<float>(scaling.number("beta_slow", 1)), scaling.flag("truncate", true)};
}

/// Dynamic NTK scaling: maxPositions is the trained context length, and `factor` the intended extension.
int64_t applyDynamic(const Scaling& scaling, int64_t maxPositions, Rotary& rotary) {
  const double factor = scaling.number("factor");
  if (scaling.has("alpha"))
    scaling.refuse("expected a dynamic scaling by 'factor' alone, found 'alpha'");
  rotary.divisors.clear();
  rotary.dynamicNtk = DynamicNtk{maxPositions, DynamicNtk::Rule::Smooth, static_cast<float>(factor)};
  return static_cast<int64_t>(std::max(1.0, factor) *
                              static_cast<double>(std::clamp(maxPositions, int64_t{0}, kPositionsBound)));
}

/// Reads a list of positive numbers, one per frequency.
std::vector<float> factorList(const Scaling& scaling, const char* field, const Rotary& rotary) {
  const Json factors = scaling.field(field);
  const bool fits = factors.is_array() && std::ssize(factors) == rotary.dimensions / 2 &&
                    std::all_of(factors.begin(), factors.end(), [](const Json& factor) {
                      return factor.is_number() && factor.get<double>() > 0;
                    });
  if (!fits)
    scaling.corrupt("'" + std::string(field) + "': expected " + std::to_string(rotary.dimensions / 2) +
                    " positive numbers, found another value");
  return factors.get<std::vector<float>>();
}

/// LongRoPE: separate factors for contexts up to the original length and beyond it.
int64_t applyLongrope(const Scaling& scaling, int64_t maxPositions, Rotary& rotary) {
  const auto original = std::min(static_cast<int64_t>(scaling.originalPositions()), maxPositions);
  rotary.divisors = factorList(scaling, "short_factor", rotary);
  if (scaling.has("long_factor"))
    rotary.longRope = LongRope{original, factorList(scaling, "long_factor", rotary)};
  const double extension = scaling.number("factor", static_cast<double>(maxPositions) /
                                                        static_cast<double>(std::max<int64_t>(1, original)));
  rotary.magnitude =
      static_cast<float>(scaling.number("attention_factor", longropeMagnitude(extension, original)));
  return rotary.longRope ? maxPositions : original;
}

} // namespace

double longropeMagnitude(double extension, int64_t originalPositions) {
  return extension <= 1 || originalPositions < 2
             ? 1.0
             : std::sqrt(1 + std::log(extension) / std::log(static_cast<double>(originalPositions)));
}

void divideFrequencies(Rotary& rotary, float factor) {
  fillDivisors(rotary, [factor](int64_t) { return factor; });
}

int64_t applyRopeScaling(const Json& object, const Json& whole, int64_t maxPositions, const std::string& key,
                         const std::string& origin, Rotary& rotary) {
  const Scaling scaling(object, whole, maxPositions, key, origin);
  const std::string type = scaling.type();
  if (type == "linear")
    divideFrequencies(rotary, static_cast<float>(scaling.number("factor")));
  else if (type == "llama3")
    applyLlama3(scaling, rotary);
  else if (type == "yarn")
    applyYarn(scaling, rotary);
  else if (type == "longrope" || type == "su")
    return applyLongrope(scaling, maxPositions, rotary);
  else if (type == "dynamic")
    return applyDynamic(scaling, maxPositions, rotary);
  else if (type != "default")
    scaling.refuse("expected null or the type default, linear, dynamic, llama3, yarn or longrope, found \"" +
                   type + "\"");
  return maxPositions;
}

} // namespace nibblesmith::model
