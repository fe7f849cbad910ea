// SPDX-License-Identifier: Apache-2.0
#include "export/artifact_config.hpp"
#include "nib_test.hpp"

#include <QtTest>

using namespace nibblesmith;
using base::Json;

namespace {

exporting::LinearLayout layout(const std::string& name, int bits, int64_t groupSize, bool symmetric = true) {
  exporting::LinearLayout result;
  result.name = name;
  result.quantized = bits > 0;
  result.bits = bits;
  result.groupSize = groupSize;
  result.symmetric = symmetric;
  return result;
}

} // namespace

class ArtifactConfigTest : public QObject {
  Q_OBJECT

private slots:
  void mostFrequentLayoutIsTheGeneralGroup() {
    const Json config = exporting::quantizationConfig({layout("a.q_proj", 8, 0), layout("a.k_proj", 4, 128),
                                                       layout("a.v_proj", 4, 128), layout("a.o_proj", 0, 0)},
                                                      true);
    QCOMPARE(config.at("quant_method").get<std::string>(), std::string("compressed-tensors"));
    QCOMPARE(config.at("format").get<std::string>(), std::string("pack-quantized"));
    QCOMPARE(config.at("quantization_status").get<std::string>(), std::string("compressed"));
    QCOMPARE(config.at("ignore"), Json::array({"a.o_proj", "lm_head"}));
    QCOMPARE(config.at("config_groups").size(), size_t{2});
    const Json& general = config.at("config_groups").at("group_0");
    QCOMPARE(general.at("targets"), Json::array({"Linear"}));
    QCOMPARE(general.at("weights").at("num_bits").get<int>(), 4);
    QCOMPARE(general.at("weights").at("strategy").get<std::string>(), std::string("group"));
    QCOMPARE(general.at("weights").at("group_size").get<int>(), 128);
    QCOMPARE(general.at("weights").at("actorder").get<std::string>(), std::string("weight"));
    const Json& other = config.at("config_groups").at("group_1");
    QCOMPARE(other.at("targets"), Json::array({"a.q_proj"}));
    QCOMPARE(other.at("weights").at("num_bits").get<int>(), 8);
    QCOMPARE(other.at("weights").at("strategy").get<std::string>(), std::string("channel"));
    QVERIFY(other.at("weights").at("group_size").is_null());
  }

  void symmetryAndGroupIndexSeparateGroups() {
    exporting::LinearLayout indexed = layout("a.k_proj", 4, 64);
    indexed.groupIndexed = true;
    const Json config = exporting::quantizationConfig(
        {layout("a.q_proj", 4, 64), layout("a.v_proj", 4, 64, false), indexed, layout("lm_head", 8, 0)},
        false);
    QCOMPARE(config.at("config_groups").size(), size_t{4});
    QVERIFY(config.at("ignore").empty()); // the head is quantized here
    int groupOrdered = 0, asymmetric = 0;
    for (const Json& group : config.at("config_groups")) {
      groupOrdered += group.at("weights").value("actorder", "") == "group" ? 1 : 0;
      asymmetric += group.at("weights").at("symmetric") == false ? 1 : 0;
    }
    QCOMPARE(groupOrdered, 1);
    QCOMPARE(asymmetric, 1);
  }

  /// transformers uses a different name for GPT-NeoX's head.
  void bothNamesOfAHeadAreIgnored() {
    exporting::LinearLayout quantized, head;
    quantized.name = "a.dense";
    quantized.quantized = true;
    quantized.bits = 4;
    head.name = "embed_out";
    const Json both = Json::array({"embed_out", "lm_head"});
    QCOMPARE(exporting::quantizationConfig({quantized}, false, "embed_out").at("ignore"), both);
    QCOMPARE(exporting::quantizationConfig({quantized, head}, false, "embed_out").at("ignore"), both);
    quantized.bitsandbytes = "nf4";
    QCOMPARE(exporting::bitsandbytesConfig({quantized, head}, "embed_out").at("llm_int8_skip_modules"), both);
  }
};

NIB_TEST(ArtifactConfigTest)
#include "artifact_config_test.moc"
