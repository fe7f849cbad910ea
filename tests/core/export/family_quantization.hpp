// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../quantization/test_model.hpp"
#include "base/thread_pool.hpp"
#include "exact_cache.hpp"
#include "quantizers/awq/method.hpp"
#include "runtime/decoder.hpp"

namespace nibblesmith::test {

/// Catalog with the methods of TestMethods, AWQ, and arbitrary scales.
class FamilyMethods final : public quantization::MethodCatalog {
public:
  std::vector<quantization::MethodDescription> methods() const override {
    auto methods = m_roundings.methods();
    methods.push_back(awqDescription());
    methods.push_back(awqDescription());
    methods.back().name = "arbitrary";
    methods.back().parameters.clear();
    return methods;
  }
  std::unique_ptr<quantization::Rounding> makeRounding(const std::string& use,
                                                       const base::Json& parameters) const override {
    return m_roundings.makeRounding(use, parameters);
  }
  std::unique_ptr<quantization::Transform> makeTransform(const std::string& use,
                                                         const base::Json& parameters) const override {
    if (use == "arbitrary")
      return std::make_unique<ArbitraryScales>();
    return std::make_unique<awq::AwqTransform>(
        awq::awqOptions(quantization::completeParameters(awqDescription(), parameters)));
  }

private:
  static quantization::MethodDescription awqDescription() {
    return quantization::methodFromJson(base::readJsonFile(projectFile("plugins/quantizers/awq/method.json")),
                                        "awq");
  }
  TestMethods m_roundings;
};

/// Returns tokens with positions on both sides of every window boundary.
inline std::vector<tokenizer::TokenId> familyTokens() {
  std::vector<tokenizer::TokenId> tokens;
  for (int i = 0; i < 40; ++i)
    tokens.push_back(i * 13 % 61 + 3);
  return tokens;
}

/// Returns all logits of the tokens.
inline tensor::Matrix logitsOf(const std::shared_ptr<const model::Model>& model,
                               const std::vector<tokenizer::TokenId>& tokens = familyTokens()) {
  base::ThreadPool pool(2);
  const runtime::Decoder decoder(model, runtime::WeightStorage::Float32, pool);
  runtime::KvCache cache(exactly(model->config()), std::ssize(tokens));
  return decoder.forward(tokens, cache, runtime::LogitsFor::AllTokens);
}

inline double relativeDifference(const tensor::Matrix& a, const tensor::Matrix& b) {
  return static_cast<double>((a - b).norm()) / static_cast<double>(b.norm());
}

} // namespace nibblesmith::test
