// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include <array>
#include <optional>

namespace nibblesmith::ui {

/// Page of the window, in the order of the work.
enum class Page { Models, Recipe, Queue, Experiments, Devices };

inline constexpr std::array kPages = {Page::Models, Page::Recipe, Page::Queue, Page::Experiments,
                                      Page::Devices};

/// Returns the name for settings and the command line: "models", "recipe", ...
QString pageName(Page page);
/// Returns the page of that name; nothing for other texts.
std::optional<Page> pageNamed(const QString& name);

} // namespace nibblesmith::ui
