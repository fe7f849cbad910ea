// SPDX-License-Identifier: Apache-2.0
// Source check: text from files and devices may be shown only by widgets and functions that shorten and
// escape it. Finds labels, messages, tool tips and terminal output that bypass them.
// tests/ui/hostile_text_test.cpp checks the texts of the window itself.
#include "nib_test.hpp"
#include "sources.hpp"

#include <QRegularExpression>
#include <QSet>
#include <QtTest>

using namespace nibblesmith;
namespace fs = std::filesystem;

namespace {

/// Pattern that the sources in a folder must not contain.
struct Rule {
  const char* name;
  const char* folder;
  const char* pattern;  ///< matches a statement, which may have several lines
  QSet<QString> except; ///< files that implement the safe functions, relative to the project
  const char* breach;   ///< example that the pattern must match
};

std::vector<Rule> rules() {
  const QString label = QStringLiteral("ui/widgets/label.cpp");
  const QString toolTips = QStringLiteral("ui/models/tool_tip_text.cpp");
  return {
      {"labels are ui::Label",
       "ui",
       R"(\bQLabel\b)",
       {label, QStringLiteral("ui/widgets/label.hpp")},
       "auto* label = new QLabel(name);"},
      {"dialogs are ui::Dialog",
       "ui",
       R"(\bpublic QDialog\b|\bQDialog \w+[({])",
       {QStringLiteral("ui/widgets/dialog.hpp")},
       "class Other : public QDialog {"},
      {"messages are ui::MessageDialog",
       "ui",
       R"(\b(QMessageBox|QErrorMessage|QInputDialog|QProgressDialog|QSplashScreen)\b)",
       {},
       "QMessageBox::warning(this, title, error.what());"},
      {"tool tips are set by setHelp()",
       "ui",
       R"(\bsetToolTip\(|\bQToolTip\b)",
       {label, QStringLiteral("ui/widgets/help.hpp")},
       "item->setToolTip(path);"},
      {"models' tool tips are toolTipText()",
       "ui/models",
       R"(case Qt::ToolTipRole:\s*return (?!toolTipText\())",
       {},
       "case Qt::ToolTipRole:\n    return job->title;"},
      {"tabs' tool tips are toolTipText()",
       "ui",
       R"(\bsetTabToolTip\((?![^;]*toolTipText\())",
       {},
       "bar->setTabToolTip(tab, path);"},
      {"no text is HTML",
       "ui",
       R"(\b(setHtml|insertHtml|setMarkdown|setTextFormat|RichText|AutoText|QTextEdit|QTextBrowser|)"
       R"(QPlainTextEdit|QStaticText|QGraphicsTextItem|QTextDocument|setWhatsThis|setStatusTip|fromHtml)\b)",
       {label, toolTips},
       "view->setHtml(text);"},
      {"HTML is escaped in one place",
       "ui",
       R"(\btoHtmlEscaped\b|convertFromPlainText)",
       {toolTips, QStringLiteral("ui/charts/chart_frame.cpp")},
       "text.toHtmlEscaped()"},
      {"rows of forms have labels of ours",
       "ui",
       R"(->addRow\(\s*(tr\(|QStringLiteral\(|toQString\())",
       {},
       "form->addRow(tr(\"Name\"), field);"},
      {"the status bar shows foreignText()",
       "ui",
       R"(\bshowMessage\((?!foreignText\())",
       {},
       "statusBar()->showMessage(text);"},
      {"window titles are foreignText()",
       "ui",
       R"(\bsetWindowTitle\((?!foreignText\(|QStringLiteral\()(?![^;]*foreignText\())",
       {},
       "setWindowTitle(tr(\"%1\").arg(name));"},
      {"charts' texts, which Qt draws as HTML, are chartText()",
       "ui/charts",
       R"(->(setTitle|setTitleText|setName)\((?!chartText\()|new QBarSet\((?!chartText\())",
       {},
       "chart->setTitle(bars.title);"},
      {"items are foreignText() of what the core says",
       "ui",
       R"(\b(addItem|QListWidgetItem|addAction)\((?![^;]*(foreignText|captionText)\()[^;]*\btoQString\()",
       {},
       "combo->addItem(toQString(std::string_view(device.name)));"},
      {"nsmith prints by output.hpp",
       "app/nsmith",
       R"(\b(printf|fprintf|vprintf|puts|fputs|fwrite|putchar|fputc|perror|cout|cerr|clog)\b|\bwrite\(STD)",
       {QStringLiteral("app/nsmith/output.cpp")},
       "std::printf(\"%s\\n\", name.c_str());"},
      {"other programs escape what they say",
       "app",
       R"(\bf?printf\((?![^;]*(foreignText|messageText))[^;]*(what\(\)|filename\(\)|path|\["file"\]))",
       {QStringLiteral("app/nsmith_runner/sha256.cpp")},
       "std::fprintf(stderr, \"%s\\n\", error.what());"},
      {"core says nothing by itself",
       "core",
       R"(\bstd::(printf|fprintf|puts|fputs|fwrite|putchar|cout|cerr|clog)\b)",
       {},
       "std::cerr << text;"},
  };
}

/// Removes comments, which may mention anything.
QString codeOf(QString text) {
  static const QRegularExpression kComment(QStringLiteral("//[^\n]*"));
  return text.remove(kComment);
}

QStringList breachesIn(const Rule& rule, const QString& code, const QString& file) {
  QStringList found;
  auto matches = QRegularExpression(QString::fromLatin1(rule.pattern)).globalMatch(code);
  while (matches.hasNext()) {
    const auto at = matches.next().capturedStart();
    const auto line = code.left(at).count(QLatin1Char('\n')) + 1;
    found << QStringLiteral("%1:%2: %3").arg(file).arg(line).arg(code.mid(at, 80).simplified());
  }
  return found;
}

} // namespace

class OneWayOutTest : public QObject {
  Q_OBJECT

private slots:
  void everySourceTakesIt_data() {
    QTest::addColumn<int>("index");
    const std::vector<Rule> all = rules();
    for (size_t i = 0; i < all.size(); ++i)
      QTest::newRow(all[i].name) << int(i);
  }

  void everySourceTakesIt() {
    QFETCH(int, index);
    const Rule rule = rules()[static_cast<size_t>(index)];
    QVERIFY(QRegularExpression(QString::fromLatin1(rule.pattern)).isValid());
    QCOMPARE(breachesIn(rule, QString::fromLatin1(rule.breach), {}).size(), 1);
    QStringList breaches;
    const int looked = test::forEachSource(rule.folder, [&](const fs::path& path, const std::string& text) {
      const QString file = QString::fromStdString(path.string());
      if (!rule.except.contains(file))
        breaches << breachesIn(rule, codeOf(QString::fromStdString(text)), file);
    });
    QVERIFY(looked > 5);
    QVERIFY2(breaches.isEmpty(), qPrintable(breaches.join(QLatin1Char('\n'))));
    // An exception that is no longer needed would hide the next violation.
    for (const QString& file : rule.except)
      QVERIFY2(!breachesIn(
                    rule,
                    codeOf(QString::fromStdString(base::readTextFile(test::projectFile(file.toStdString())))),
                    file)
                    .isEmpty(),
               qPrintable(file));
  }
};

NIB_TEST(OneWayOutTest)
#include "one_way_out_test.moc"
