// SPDX-License-Identifier: Apache-2.0
#include "quantization/book_grid.hpp"
#include "tensor/code_books.hpp"

namespace nibblesmith::quantization {

const std::string_view kLogJson = R"json({
  "schema": 1, "name": "log", "kind": "grid", "label": "Logarithmic",
  "help": "Zero and powers of two on both sides of it: weight = scale x sign x base^exponent. Written as f16, because no public file format stores it.",
  "source": "Miyashita et al. 2016, arXiv 1603.01025, section 3; a weight takes the nearest value instead of the nearest exponent",
  "parameters": [
    { "key": "bits", "type": "integer", "label": "Bits", "unit": "bit", "minimum": 3, "maximum": 6, "default": 4,
      "help": "Bits of one weight's code: a sign and an exponent. More than 6 bits would underflow in f16." },
    { "key": "base", "type": "choice", "label": "Base", "choices": ["2", "sqrt2"], "default": "2",
      "help": "2: a multiplication becomes a shift. sqrt2: twice as many values over half the range." },
    { "key": "granularity", "type": "choice", "label": "Scales per", "choices": ["group", "channel"], "default": "group",
      "help": "One scale for each group of weights, or one for each output channel." },
    { "key": "groupSize", "type": "integer", "label": "Group size", "unit": "weights", "minimum": 8, "maximum": 65536,
      "default": 128, "appliesWhen": { "granularity": "group" },
      "help": "Neighbouring input weights that share a scale." },
    { "key": "powerOfTwoScale", "type": "boolean", "label": "Scales are powers of two", "default": false,
      "help": "Weights themselves are powers of the base, as in the paper, at the price of a coarser fit." },
    { "key": "scaleSearch", "type": "choice", "label": "Scale from", "choices": ["absmax", "mse"], "default": "absmax",
      "help": "absmax: the largest magnitude. mse: the smaller scale with the least squared error." }
  ]
})json";

std::unique_ptr<Grid> makeLogGrid(const base::Json& parameters) {
  BookOptions options;
  options.book = tensor::logBook(parameters["bits"].get<int>(), parameters["base"] == "sqrt2");
  options.groupSize = parameters["granularity"] == "channel" ? 0 : parameters["groupSize"].get<int64_t>();
  options.powerOfTwoScale = parameters["powerOfTwoScale"].get<bool>();
  options.searchScale = parameters["scaleSearch"] == "mse";
  return std::make_unique<BookGrid>(std::move(options));
}

} // namespace nibblesmith::quantization
