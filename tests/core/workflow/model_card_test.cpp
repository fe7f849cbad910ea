// SPDX-License-Identifier: Apache-2.0
#include "nib_test.hpp"
#include "workflow/model_card.hpp"

#include <QFile>
#include <QTemporaryDir>
#include <QTest>

using namespace nibblesmith;

class ModelCardTest : public QObject {
  Q_OBJECT

private slots:
  void readsFrontMatter_data() {
    QTest::addColumn<QByteArray>("readme");
    QTest::addColumn<QByteArray>("license");
    QTest::addColumn<QByteArray>("bases"); // separated by spaces
    const auto row = [](const char* name, QByteArray readme, const char* license, const char* bases) {
      QTest::newRow(name) << readme << QByteArray(license) << QByteArray(bases);
    };
    row("one base", "---\nlicense: apache-2.0\nbase_model: a/b\n---\n# Title\n", "apache-2.0", "a/b");
    row("several", "---\r\nbase_model:\r\n- a/b\r\n- c/d\r\nlicense: other\r\nlicense_name: gemma\r\n---\r\n",
        "gemma", "a/b c/d");
    row("none", "# Title\n\nlicense: mit\n", "", "");
    row("never closed", "---\nlicense: mit\n", "", "");
    row("no map", "---\n- license\n---\n", "", "");
    row("broken", "---\nlicense: [a\n---\n", "", "");
    row("a list where a word is expected", "---\nlicense: [a, b]\nbase_model: {x: y}\n---\n", "", "");
    row("control characters", "---\nlicense: \"m\\ti\\nt\"\n---\n", "m\\ti\\nt", "");
    row("deep", "---\nlicense: " + QByteArray(20000, '[') + "\n---\n", "", "");
    row("endless", "---\nlicense: " + QByteArray(200000, 'x') + "\n---\n", "", "");
    row("aliases that multiply",
        "---\na: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\nlicense: "
        "mit\n---\n",
        "mit", "");
  }
  void readsFrontMatter() {
    QFETCH(QByteArray, readme);
    QFETCH(QByteArray, license);
    QFETCH(QByteArray, bases);
    write("README.md", readme);
    const workflow::ModelCard card = workflow::readModelCard(checkpointOf("{}"));
    QCOMPARE(QByteArray::fromStdString(card.license), license);
    QByteArray joined;
    for (const std::string& base : card.baseModels)
      joined += (joined.isEmpty() ? "" : " ") + QByteArray::fromStdString(base);
    QCOMPARE(joined, bases);
    QVERIFY(card.madeBy.empty());
  }
  void saysHowItWasQuantized() {
    QCOMPARE(
        workflow::readModelCard(
            checkpointOf(R"({"quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 128,
             "desc_act": true, "sym": false, "meta": {"quantizer": ["gptqmodel:4.0"]}}})"))
            .madeBy,
        std::string("gptq: bits 4, group size 128, symmetric false, act-order true, by gptqmodel:4.0"));
    for (const char* odd :
         {R"({"quantization_config": 5})", R"({"quantization_config": {"meta": 7, "bits": []}})",
          R"({"quantization_config": []})"})
      QVERIFY(workflow::readModelCard(checkpointOf(odd)).madeBy.empty());
    write("nibblesmith.json",
          R"({"recipe": {"name": "mine", "rounding": {"use": "gptq"}, "transforms": [{"use": "awq"}],
                                  "grid": {"use": "affine", "bits": 3, "symmetric": false}}, "source": {"name": "base"}})");
    const auto ours = workflow::readModelCard(checkpointOf("{}"));
    QCOMPARE(ours.madeBy,
             std::string("Nibblesmith, recipe “mine”: awq, gptq on affine (bits 3, asymmetric)"));
    QCOMPARE(ours.baseModels, std::vector<std::string>{"base"});
    for (const char* odd : {"[]", "{", R"({"recipe": 5})",
                            R"({"recipe": {"rounding": 1, "transforms": 2, "grid": []}, "source": []})"}) {
      write("nibblesmith.json", odd);
      workflow::readModelCard(checkpointOf("{}"));
    }
  }
  void readsGguf() {
    checkpoint::Checkpoint checkpoint =
        checkpointOf(R"({"general.name": "N", "general.license": "mit", "general.base_model.0.name": "B",
      "general.quantized_by": "someone", "quantize.imatrix.dataset": "text"})");
    checkpoint.format = checkpoint::Format::Gguf;
    const auto card = workflow::readModelCard(checkpoint);
    QCOMPARE(card.name, std::string("N"));
    QCOMPARE(card.license, std::string("mit"));
    QCOMPARE(card.baseModels, std::vector<std::string>{"B"});
    QCOMPARE(card.madeBy, std::string("by someone, importance from text"));
  }
  void init() { m_directory = std::make_unique<QTemporaryDir>(); }

private:
  void write(const char* name, const QByteArray& text) {
    QFile file(m_directory->filePath(QString::fromLatin1(name)));
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(text);
  }
  checkpoint::Checkpoint checkpointOf(const char* config) {
    checkpoint::Checkpoint checkpoint;
    checkpoint.path = m_directory->path().toStdString();
    checkpoint.config = base::parseJson(config, "test");
    return checkpoint;
  }

  std::unique_ptr<QTemporaryDir> m_directory;
};

NIB_TEST(ModelCardTest)
#include "model_card_test.moc"
