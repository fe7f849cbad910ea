// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/session/page.hpp"

namespace nibblesmith::ui {

QString pageName(Page page) {
  switch (page) {
  case Page::Models:
    return QStringLiteral("models");
  case Page::Recipe:
    return QStringLiteral("recipe");
  case Page::Queue:
    return QStringLiteral("queue");
  case Page::Experiments:
    return QStringLiteral("experiments");
  case Page::Devices:
    return QStringLiteral("devices");
  }
  return {};
}

std::optional<Page> pageNamed(const QString& name) {
  for (const Page page : kPages)
    if (pageName(page) == name)
      return page;
  return std::nullopt;
}

} // namespace nibblesmith::ui
