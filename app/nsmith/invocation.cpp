// SPDX-License-Identifier: Apache-2.0
#include "invocation.hpp"

#include "base/join.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace nibblesmith::nsmith {

Invocation::Invocation(const QCommandLineParser& parser, workflow::Services services, std::stop_token stop,
                       base::Progress& progress)
    : m_parser(parser), m_services(std::move(services)), m_stop(std::move(stop)), m_progress(progress) {}

std::string Invocation::positional(int index, const std::string& name) const {
  const QStringList arguments = m_parser.positionalArguments();
  if (index >= arguments.size())
    throw UsageError("expected " + name + ", found nothing");
  return arguments[index].toStdString();
}

int Invocation::positionals() const { return static_cast<int>(m_parser.positionalArguments().size()); }

bool Invocation::has(const std::string& option) const {
  return m_parser.isSet(QString::fromStdString(option));
}

std::string Invocation::text(const std::string& option) const {
  if (!has(option))
    throw UsageError("expected --" + option + ", found nothing");
  return m_parser.value(QString::fromStdString(option)).toStdString();
}

std::string Invocation::text(const std::string& option, const std::string& fallback) const {
  return has(option) ? text(option) : fallback;
}

std::vector<std::string> Invocation::texts(const std::string& option) const {
  std::vector<std::string> values;
  for (const QString& value : m_parser.values(QString::fromStdString(option)))
    values.push_back(value.toStdString());
  return values;
}

int64_t Invocation::integer(const std::string& option, int64_t fallback, int64_t minimum) const {
  if (!has(option))
    return fallback;
  const std::string value = text(option);
  int64_t number = 0;
  const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (failure != std::errc() || end != value.data() + value.size() || number < minimum)
    throw UsageError("--" + option + ": expected an integer of at least " + std::to_string(minimum) +
                     ", found '" + value + "'");
  return number;
}

std::string Invocation::oneOf(const std::string& option, const std::vector<std::string>& choices) const {
  const std::string value = text(option);
  if (std::ranges::find(choices, value) != choices.end())
    return value;
  throw UsageError("--" + option + ": expected one of " + base::join(choices) + ", found '" + value + "'");
}

void addOption(QCommandLineParser& parser, const char* name, const char* valueName, const std::string& help) {
  parser.addOption(QCommandLineOption(QString::fromUtf8(name), QString::fromStdString(help),
                                      QString::fromUtf8(valueName)));
}

} // namespace nibblesmith::nsmith
