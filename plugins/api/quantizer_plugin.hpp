// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/api/quantizer.hpp"

#include <QtPlugin>

#include <memory>

/// The number is raised, in both, with every change of what crosses the border between program and plugin.
/// The host reads the interface's name and the method's JSON with its "abi" from the file's metadata before
/// it runs any of its code.
#define NIB_QUANTIZER_ABI "nibblesmith-quantizer-4"
#define NIB_QUANTIZER_IID "org.nibblesmith.Quantizer/4"

namespace nibblesmith::plugins {

/// What a plugin's root object implements, beside QObject:
///   class P : public QObject, public QuantizerFactory {
///     Q_OBJECT
///     Q_PLUGIN_METADATA(IID NIB_QUANTIZER_IID FILE "method.json")
///     Q_INTERFACES(nibblesmith::plugins::QuantizerFactory)
///     ...
class QuantizerFactory {
public:
  virtual ~QuantizerFactory() = default;
  virtual std::unique_ptr<Quantizer> createQuantizer() const = 0;
};

} // namespace nibblesmith::plugins

Q_DECLARE_INTERFACE(nibblesmith::plugins::QuantizerFactory, NIB_QUANTIZER_IID)
