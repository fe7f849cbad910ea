// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/mapped_file.hpp"
#include "tensor/tensor_view.hpp"

#include <map>
#include <memory>
#include <string>

namespace nibblesmith::checkpoint {

/// Returns the tensors of one mapped safetensors file: u64 header length, JSON header, bytes. Every length
/// and offset is checked; like in the reference implementation, tensors must fill the bytes without gap or
/// overlap. Throws base::Error{Corrupt, Io}, {NotSupported} for a type that tensor::DType does not have,
/// Cancelled. Source: huggingface/safetensors, README "Format".
std::map<std::string, tensor::TensorView> readSafetensors(const std::shared_ptr<const base::MappedFile>& file,
                                                          const std::stop_token& stop = {});

} // namespace nibblesmith::checkpoint
