// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/session/model_name.hpp"

#include "base/path_status.hpp"
#include "ui/session/text.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace nibblesmith::ui {

namespace {

constexpr size_t kMostPairFiles = 8;

std::filesystem::path withoutSlash(const std::filesystem::path& path) {
  const std::filesystem::path clean = path.lexically_normal();
  return clean.has_filename() ? clean : clean.parent_path();
}

} // namespace

QString modelNameOf(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 4> kGeneric = {"model", "models", "hf", "checkpoint"};
  const std::filesystem::path whole = withoutSlash(path);
  if (whole.extension() == ".gguf")
    return toQString(whole.stem());
  const bool isGeneric =
      std::find(kGeneric.begin(), kGeneric.end(), whole.filename().string()) != kGeneric.end();
  return toQString(isGeneric && whole.parent_path().has_filename() ? whole.parent_path().filename()
                                                                   : whole.filename());
}

FilesBesideModel filesBeside(const std::filesystem::path& model) {
  FilesBesideModel files;
  const std::filesystem::path folder = withoutSlash(model).parent_path();
  if (base::isRegularFile(folder / "calibration.json"))
    files.calibration = folder / "calibration.json";
  if (base::isRegularFile(folder / "heldout.txt"))
    files.text = folder / "heldout.txt";
  for (const std::filesystem::path& entry : base::readableEntries(folder / "pairs"))
    if (entry.extension() == ".jsonl" && files.pairs.size() < kMostPairFiles)
      files.pairs.push_back(entry);
  return files;
}

} // namespace nibblesmith::ui
