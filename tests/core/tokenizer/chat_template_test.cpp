// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/file.hpp"
#include "nib_test.hpp"
#include "test_data.hpp"
#include "tokenizer/chat_template.hpp"

#include <QTemporaryDir>
#include <QTest>

#include <fstream>

using namespace nibblesmith;
using tokenizer::ChatMessage;
using tokenizer::ChatTemplate;
namespace fs = std::filesystem;

namespace {

tokenizer::Vocabulary vocabulary() {
  tokenizer::Vocabulary vocabulary;
  vocabulary.tokens = {"<s>", "</s>"};
  vocabulary.bos = 0;
  vocabulary.eos = 1;
  return vocabulary;
}

/// Returns the text of a template in the shared test data; empty if absent.
std::string textOf(const std::string& file) {
  const size_t slash = file.find('/');
  const fs::path path =
      file.substr(0, slash) == "shared"
          ? test::sharedData(file.substr(slash + 1))
          : base::cacheDirectory() / "peers/llama.cpp/source/models/templates" / file.substr(slash + 1);
  if (!fs::exists(path))
    return {};
  const std::string text = base::readTextFile(path);
  return path.extension() == ".json" ? base::Json::parse(text).at("chat_template").get<std::string>() : text;
}

base::Json golden() {
  return base::readJsonFile(test::projectFile("tests/golden/tokenizer/chat_templates.json"));
}

} // namespace

class ChatTemplateTest : public QObject {
  Q_OBJECT
private slots:
  void agreesWithTransformers();
  void namesWhatItDoesNotKnow();
  void refusesRoles();
  void readsFromFiles();
  void findsMarkers();
};

void ChatTemplateTest::agreesWithTransformers() {
  const base::Json json = golden();
  int compared = 0;
  int outside = 0;
  for (const base::Json& row : json["rows"]) {
    const auto name = row["template"].get<std::string>();
    const bool isOutside = json["files"].contains(name);
    const std::string jinja =
        isOutside ? textOf(json["files"][name]) : json["templates"][name].get<std::string>();
    if (jinja.empty())
      continue;
    outside += isOutside;
    const ChatTemplate chat(jinja, vocabulary(), name);
    std::vector<ChatMessage> messages;
    for (const base::Json& message : json["chats"][row["chat"].get<size_t>()])
      messages.push_back({message["role"], message["content"]});
    const bool isRefused = row["text"].is_null();
    // transformers silently drops messages that a template does not support; here they are errors.
    const bool putsSystemIntoTurns =
        name == "Llama 2" || name == "Gemma 3" || name.find("istral") != std::string::npos;
    const bool isSilent = (name == "Phi-3, first" && messages.front().role == "system") ||
                          (putsSystemIntoTurns && messages.back().role == "system");
    if (isRefused || isSilent) {
      QVERIFY_THROWS_EXCEPTION(base::Error, chat.render(messages, row["addGenerationPrompt"]));
      continue;
    }
    const std::string text = chat.render(messages, row["addGenerationPrompt"], row.value("thinks", true));
    QVERIFY2(text == row["text"].get<std::string>(),
             (name + ": " + text + "\n--- expected\n" + row["text"].get<std::string>()).c_str());
    ++compared;
  }
  QVERIFY(compared > 150);
  qInfo("%d rows compared, %d of them with templates outside of the project", compared, outside);
  // Negative control: a changed template gives another text.
  const auto smol = json["templates"]["SmolLM2"].get<std::string>();
  std::string changed = smol;
  changed.replace(changed.find("helpful"), 7, "careful");
  const std::vector<ChatMessage> hello = {{"user", "Hello"}};
  QVERIFY(ChatTemplate(smol, vocabulary(), "a").render(hello, true) !=
          ChatTemplate(changed, vocabulary(), "b").render(hello, true));
}

void ChatTemplateTest::namesWhatItDoesNotKnow() {
  for (const char* text : {"{{ 'User: ' + messages[0]['content'] }}", "", "<|im_start|> <|im_end|> <think>",
                           "{{ bos_token + ' [INST] ' + m['content'] + ' [/INST]' }}"}) {
    try {
      ChatTemplate(text, vocabulary(), "tokenizer_config.json");
      QFAIL("expected an error");
    } catch (const base::Error& error) {
      QVERIFY(error.code() == base::ErrorCode::NotSupported);
      const std::string message = error.what();
      QVERIFY2(message.starts_with("tokenizer_config.json: ") && message.find(text) != std::string::npos,
               error.what());
    }
  }
}

void ChatTemplateTest::refusesRoles() {
  const base::Json json = golden();
  const ChatTemplate gemma(json["templates"]["Gemma"].get<std::string>(), vocabulary(), "Gemma");
  const std::vector<ChatMessage> twice = {{"user", "a"}, {"user", "b"}};
  try {
    gemma.render(twice, false);
    QFAIL("expected an error");
  } catch (const base::Error& error) {
    QVERIFY2(std::string(error.what()).find("found \"user\" as message 2") != std::string::npos,
             error.what());
  }
  QVERIFY_THROWS_EXCEPTION(base::Error, gemma.render({}, true));
}

void ChatTemplateTest::readsFromFiles() {
  const QTemporaryDir directory;
  checkpoint::Checkpoint checkpoint;
  checkpoint.path = directory.path().toStdString();
  QVERIFY(!tokenizer::readChatTemplate(checkpoint));
  const auto write = [&](const char* name, const std::string& text) {
    std::ofstream(checkpoint.path / name) << text;
  };
  write("tokenizer_config.json", R"({"chat_template": null})");
  QVERIFY(!tokenizer::readChatTemplate(checkpoint));
  write("tokenizer_config.json", R"({"chat_template": "one"})");
  QCOMPARE(tokenizer::readChatTemplate(checkpoint), std::optional<std::string>("one"));
  write("tokenizer_config.json",
        R"({"chat_template": [{"name":"tool_use","template":"t"},{"name":"default","template":"two"}]})");
  QCOMPARE(tokenizer::readChatTemplate(checkpoint), std::optional<std::string>("two"));
  for (const char* bad :
       {R"({"chat_template": 7})", R"({"chat_template": [{"name":"tool_use","template":"t"}]})",
        R"({"chat_template": [{"name":"default"}]})", R"([1])"}) {
    write("tokenizer_config.json", bad);
    QVERIFY_THROWS_EXCEPTION(base::Error, tokenizer::readChatTemplate(checkpoint));
  }
  write("tokenizer_config.json", "{}");
  write("generation_config.json", R"({"chat_format": "chatml"})");
  QVERIFY(!tokenizer::readChatTemplate(checkpoint));
  checkpoint.config = {{"model_type", "qwen"}};
  const ChatTemplate qwen(tokenizer::readChatTemplate(checkpoint).value(), vocabulary(), "qwen");
  const std::vector<ChatMessage> hello = {{"user", "Hello"}};
  QCOMPARE(qwen.render(hello, true),
           std::string("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
                       "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"));
  write("chat_template.jinja", "three");
  QCOMPARE(tokenizer::readChatTemplate(checkpoint), std::optional<std::string>("three"));
  checkpoint::Checkpoint gguf;
  gguf.format = checkpoint::Format::Gguf;
  QVERIFY(!tokenizer::readChatTemplate(gguf));
  gguf.config = {{"tokenizer.chat_template", "four"}};
  QCOMPARE(tokenizer::readChatTemplate(gguf), std::optional<std::string>("four"));
}

void ChatTemplateTest::findsMarkers() {
  QCOMPARE(tokenizer::chatMarkersIn("<|im_start|>user\nHi"), std::string("ChatML"));
  QCOMPARE(tokenizer::chatMarkersIn("<|user|>\nHi<|end|>"), std::string("Phi-3"));
  QCOMPARE(tokenizer::chatMarkersIn("<|user|>\nHi</s>"), std::string("Zephyr"));
  QCOMPARE(tokenizer::chatMarkersIn("### Instruction:\nadd"), std::string("Alpaca"));
  QCOMPARE(tokenizer::chatMarkersIn("Nothing of it"), std::string());
}

NIB_TEST(ChatTemplateTest)
#include "chat_template_test.moc"
