// SPDX-License-Identifier: Apache-2.0
#include "host/plugin_file.hpp"

#include "base/error.hpp"
#include "host/elf_check.hpp"
#include "plugins/api/quantizer_plugin.hpp"

#include <QFileInfo>
#include <QJsonDocument>
#include <QJsonObject>
#include <QPluginLoader>

namespace nibblesmith::plugins {

namespace {

using base::Error;
using base::ErrorCode;

QString fileName(const std::filesystem::path& path) {
  return QFileInfo(QString::fromStdString(path.string())).absoluteFilePath();
}

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& what) {
  throw Error(ErrorCode::NotSupported, "plugin '" + path.string() + "': " + what);
}

} // namespace

quantization::MethodDescription readPluginMetadata(const std::filesystem::path& path) {
  checkElf(path);
  const QJsonObject metadata = QPluginLoader(fileName(path)).metaData();
  if (metadata.isEmpty())
    refuse(path, "expected a Qt plugin of this Qt version, found a library without its metadata");
  const std::string iid = metadata.value(QStringLiteral("IID")).toString().toStdString();
  if (iid != NIB_QUANTIZER_IID)
    refuse(path, std::string("interface: expected ") + NIB_QUANTIZER_IID + ", found \"" + iid + "\"");
  const QJsonObject declared = metadata.value(QStringLiteral("MetaData")).toObject();
  const std::string text = QJsonDocument(declared).toJson(QJsonDocument::Compact).toStdString();
  const std::string origin = "plugin '" + path.string() + "'";
  const base::Json json = base::parseJson(text, origin);
  if (const auto abi = base::required<std::string>(json, "abi", origin); abi != NIB_QUANTIZER_ABI)
    refuse(path, std::string("'abi': expected ") + NIB_QUANTIZER_ABI + ", found \"" + abi + "\"");
  auto method = quantization::methodFromJson(json, origin);
  if (method.kind != quantization::MethodKind::Rounding && method.kind != quantization::MethodKind::Transform)
    refuse(path, "'kind': expected rounding or transform, found " + json["kind"].get<std::string>());
  return method;
}

std::shared_ptr<const Quantizer> loadQuantizer(const std::filesystem::path& path) {
  QPluginLoader loader(fileName(path));
  // Resolves all symbols at once, so that a missing one is detected here and not in the middle of a job.
  loader.setLoadHints(QLibrary::ResolveAllSymbolsHint);
  try {
    QObject* root = loader.instance();
    if (!root)
      refuse(path, "cannot be loaded: " + loader.errorString().toStdString());
    const auto* factory = qobject_cast<QuantizerFactory*>(root);
    if (!factory)
      refuse(path, std::string("its object does not provide ") + NIB_QUANTIZER_IID);
    std::shared_ptr<const Quantizer> quantizer = factory->createQuantizer();
    if (!quantizer)
      refuse(path, "it provides no quantizer");
    return quantizer;
  } catch (const Error&) {
    throw;
  } catch (const std::exception& failure) {
    refuse(path, std::string("failed while it was loaded: ") + failure.what());
  } catch (...) {
    refuse(path, "failed while it was loaded");
  }
}

} // namespace nibblesmith::plugins
