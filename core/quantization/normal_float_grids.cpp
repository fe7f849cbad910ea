// SPDX-License-Identifier: Apache-2.0
// 4-bit types of bitsandbytes.
#include "quantization/book_grid.hpp"
#include "tensor/code_books.hpp"

namespace nibblesmith::quantization {

const std::string_view kNf4Json = R"json({
  "schema": 1, "name": "nf4", "kind": "grid", "label": "NF4 (4-bit NormalFloat)",
  "help": "16 fixed values, dense around zero as weights are: weight = largest magnitude of its group x value. transformers opens it through bitsandbytes.",
  "source": "Dettmers et al. 2023, arXiv 2305.14314, section 3",
  "parameters": [
    { "key": "groupSize", "type": "integer", "label": "Block size", "unit": "weights",
      "choices": [32, 64, 128, 256, 512, 1024, 2048, 4096], "default": 64,
      "help": "Neighbouring input weights that share a scale. A layer whose width is no multiple of it is written as f16." },
    { "key": "doubleQuant", "type": "boolean", "label": "Double quantization", "default": false,
      "help": "Scales in 8 bits instead of 32: 0.37 bit less per weight at a block size of 64. Transforms cannot fold their scales into layers with such scales." },
    { "key": "scaleSearch", "type": "choice", "label": "Scale from", "choices": ["absmax", "mse"], "default": "absmax",
      "help": "absmax: the largest magnitude, as bitsandbytes does. mse: the smaller scale with the least squared error." }
  ]
})json";

namespace {

std::unique_ptr<Grid> make(std::span<const float> book, const base::Json& parameters) {
  BookOptions options;
  options.book.assign(book.begin(), book.end());
  options.groupSize = parameters["groupSize"].get<int64_t>();
  options.nestedScales = parameters["doubleQuant"].get<bool>();
  options.searchScale = parameters["scaleSearch"] == "mse";
  return std::make_unique<BookGrid>(std::move(options));
}

} // namespace

MethodDescription fp4Description(MethodDescription nf4) {
  nf4.name = "fp4";
  nf4.label = nf4.shortLabel = "FP4 (4-bit float)";
  nf4.help = "One sign, two exponent and one mantissa bit, as in bitsandbytes. NF4 is the better "
             "choice for nearly all models.";
  return nf4;
}

std::unique_ptr<Grid> makeNf4Grid(const base::Json& parameters) {
  return make(tensor::nf4Book(), parameters);
}
std::unique_ptr<Grid> makeFp4Grid(const base::Json& parameters) {
  return make(tensor::fp4Book(), parameters);
}

} // namespace nibblesmith::quantization
