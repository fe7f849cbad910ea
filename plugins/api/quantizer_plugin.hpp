// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/api/quantizer.hpp"

#include <QtPlugin>

#include <memory>

/// Version of the interface between program and plugin. Increase the number in both macros with every change
/// of it. The host reads the interface name, and "abi" in the method's JSON, from the file's metadata before
/// it runs any code of the plugin.
#define NIB_QUANTIZER_ABI "nibblesmith-quantizer-4"
#define NIB_QUANTIZER_IID "org.nibblesmith.Quantizer/4"

namespace nibblesmith::plugins {

/// Interface of a plugin's root object, which also derives from QObject:
///   class P : public QObject, public QuantizerFactory {
///     Q_OBJECT
///     Q_PLUGIN_METADATA(IID NIB_QUANTIZER_IID FILE "method.json")
///     Q_INTERFACES(nibblesmith::plugins::QuantizerFactory)
///     ...
class QuantizerFactory {
public:
  virtual ~QuantizerFactory() = default;
  /// Creates the quantizer; the host calls it once, after loading.
  virtual std::unique_ptr<Quantizer> createQuantizer() const = 0;
};

} // namespace nibblesmith::plugins

Q_DECLARE_INTERFACE(nibblesmith::plugins::QuantizerFactory, NIB_QUANTIZER_IID)
