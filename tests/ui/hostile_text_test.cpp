// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"

#include "calibration/lint.hpp"
#include "checkpoint/weight_statistics.hpp"
#include "devices/deployment.hpp"
#include "devices/device.hpp"
#include "experiments/experiment_log.hpp"
#include "nib_test.hpp"
#include "quantization/layer_report.hpp"
#include "quantization/recipe.hpp"
#include "quantization/sensitivity.hpp"
#include "ui/main_window.hpp"
#include "ui/models/tool_tip_text.hpp"
#include "ui/pages/devices/devices_page.hpp"
#include "ui/pages/devices/roll_back_dialog.hpp"
#include "ui/pages/models/models_page.hpp"
#include "ui/pages/queue/queue_page.hpp"
#include "ui/pages/recipe/recipe_form.hpp"
#include "ui/pages/recipe/recipe_page.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/artifact_dialogs.hpp"
#include "ui/widgets/deploy_dialog.hpp"
#include "ui/widgets/host_key_dialog.hpp"
#include "ui/widgets/job_questions.hpp"
#include "ui/widgets/label.hpp"
#include "ui/widgets/table_view.hpp"
#include "ui/widgets/theme.hpp"
#include "workflow/evaluate.hpp"
#include "workflow/fit.hpp"
#include "workflow/inspect.hpp"
#include "workflow/quantize.hpp"
#include "workflow/sensitivity.hpp"

#include <QAbstractButton>
#include <QAction>
#include <QChartView>
#include <QComboBox>
#include <QGraphicsTextItem>
#include <QHeaderView>
#include <QLabel>
#include <QListWidget>
#include <QMenu>
#include <QSignalSpy>
#include <QStatusBar>
#include <QTabBar>
#include <QTest>
#include <QTextDocument>
#include <QTextFragment>

#include <fstream>

namespace nibblesmith::ui {

/// Window with a model, a log, jobs and a device whose texts look like HTML, contain terminal escapes, change
/// the text direction, or are very long. The test checks every text in the window.
class HostileTextTest : public QObject {
  Q_OBJECT

private slots:
  void init();
  void boundsAndEscapesLabels();
  void wrapsToolTipsWithoutTags();
  void walksTheWholeWindow();
  void walksItsDialogs();
  void walksALogThatCannotBeRead();
  void detectsUnsafeText();

private:
  void open();
  void fillQueue();
  /// Returns the first problem of any widget of the application; empty if there is none.
  static QString complaint();

  std::unique_ptr<test::FakeSession> m_fake;
  std::unique_ptr<Theme> m_theme;
  std::unique_ptr<MainWindow> m_window;
};

namespace {

// No file of this name exists; if the text is treated as HTML by mistake, nothing is read.
const std::string kTag = "<img src=\"/nowhere/at/all.png\">";
const std::string kShort = kTag +
                           "\x1b[31m &lt; a&b \xe2\x80\xae"
                           "cba\n" +
                           kTag;
const std::string kHostile = kShort + std::string(5000, 'A') + "\nsecond line";

bool isPrintable(const QString& text) {
  return std::none_of(text.begin(), text.end(), [](QChar character) {
    const char16_t c = character.unicode();
    const bool isControl = (c < 0x20 && c != '\n') || (c >= 0x7F && c <= 0x9F);
    const bool turns =
        (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0x200F || c == 0x200E;
    return isControl || turns;
  });
}

/// Returns why a plain text must not be shown; empty if it may.
QString badPlain(const QString& text) {
  constexpr qsizetype kLongest = 3600;
  if (text.size() > kLongest)
    return QStringLiteral("%1 characters").arg(text.size());
  return isPrintable(text) ? QString() : QStringLiteral("control characters in '%1'").arg(text.left(200));
}

/// Returns why a document that is drawn as HTML must not be shown; empty if it may.
QString badHtml(const QTextDocument& document) {
  for (QTextBlock block = document.begin(); block.isValid(); block = block.next())
    for (auto fragment = block.begin(); !fragment.atEnd(); ++fragment) {
      const QTextCharFormat format = fragment.fragment().charFormat();
      if (format.isImageFormat() || format.isAnchor())
        return QStringLiteral("HTML in '%1'").arg(document.toHtml().left(2000));
    }
  return badPlain(document.toPlainText());
}

QString badToolTip(const QString& text) {
  if (!Qt::mightBeRichText(text))
    return badPlain(text);
  QTextDocument document;
  document.setHtml(text);
  return badHtml(document);
}

QString badModel(const QAbstractItemModel& model) {
  QString bad;
  const auto look = [&](const QVariant& text, const QVariant& toolTip) {
    if (bad.isEmpty())
      bad = badPlain(text.toString());
    if (bad.isEmpty())
      bad = badToolTip(toolTip.toString());
  };
  for (int column = 0; column < model.columnCount(); ++column) {
    look(model.headerData(column, Qt::Horizontal), model.headerData(column, Qt::Horizontal, Qt::ToolTipRole));
    for (int row = 0; row < model.rowCount(); ++row)
      look(model.index(row, column).data(), model.index(row, column).data(Qt::ToolTipRole));
  }
  for (int row = 0; row < model.rowCount(); ++row)
    look(model.headerData(row, Qt::Vertical), model.headerData(row, Qt::Vertical, Qt::ToolTipRole));
  return bad;
}

QString badScene(const QGraphicsScene& scene) {
  for (const QGraphicsItem* item : scene.items())
    if (const auto* text = qgraphicsitem_cast<const QGraphicsTextItem*>(item))
      if (const QString bad = badHtml(*text->document()); !bad.isEmpty())
        return bad;
  return {};
}

QString badActions(const QWidget& widget) {
  for (const QAction* action : widget.actions())
    for (const QString& bad : {badPlain(action->text()), badToolTip(action->toolTip())})
      if (!bad.isEmpty())
        return bad;
  return {};
}

QString badText(const QWidget& widget) {
  if (const auto* label = qobject_cast<const QLabel*>(&widget))
    return label->textFormat() == Qt::PlainText
               ? badPlain(label->text())
               : QStringLiteral("label that is not plain: '%1'").arg(label->text());
  if (const auto* button = qobject_cast<const QAbstractButton*>(&widget))
    return badPlain(button->text());
  if (const auto* tabs = qobject_cast<const QTabBar*>(&widget)) {
    for (int tab = 0; tab < tabs->count(); ++tab)
      for (const QString& bad : {badPlain(tabs->tabText(tab)), badToolTip(tabs->tabToolTip(tab))})
        if (!bad.isEmpty())
          return bad;
    return {};
  }
  if (const auto* combo = qobject_cast<const QComboBox*>(&widget))
    return badModel(*combo->model());
  if (const auto* view = qobject_cast<const QAbstractItemView*>(&widget))
    return view->model() && !qobject_cast<const QHeaderView*>(view) ? badModel(*view->model()) : QString();
  if (const auto* charts = qobject_cast<const QGraphicsView*>(&widget))
    return charts->scene() ? badScene(*charts->scene()) : QString();
  if (const auto* bar = qobject_cast<const QStatusBar*>(&widget))
    return badPlain(bar->currentMessage());
  return {};
}

model::ModelSummary hostileSummary() {
  model::ModelSummary summary = test::fakeSummary();
  summary.config.family = kHostile;
  summary.format = kHostile;
  summary.skippedModules = kHostile;
  for (model::TensorInfo& tensor : summary.tensors)
    tensor.name = tensor.dtype = kHostile;
  return summary;
}

std::vector<experiments::ExperimentRow> hostileRows() {
  std::vector<experiments::ExperimentRow> rows = test::fakeRows();
  for (experiments::ExperimentRow& row : rows) {
    row.artifactName += kHostile;
    row.method = kHostile;
    row.createdAt = kHostile;
    row.metrics["rouge1@" + kHostile] = 0.4;
  }
  rows[0].modelName = kHostile;
  rows[1].device = kHostile;
  return rows;
}

[[noreturn]] void failWith(const std::string& text) { throw base::Error(base::ErrorCode::Corrupt, text); }

} // namespace

void HostileTextTest::init() {
  m_window.reset();
  m_fake = std::make_unique<test::FakeSession>();
  m_theme = std::make_unique<Theme>(*qobject_cast<QApplication*>(QCoreApplication::instance()));
}

QString HostileTextTest::complaint() {
  for (const QWidget* widget : QApplication::allWidgets())
    for (const QString& bad : {badText(*widget), badToolTip(widget->toolTip()),
                               badPlain(widget->windowTitle()), badActions(*widget)})
      if (!bad.isEmpty())
        return QStringLiteral("%1 %2: %3")
            .arg(QLatin1String(widget->metaObject()->className()), widget->objectName(), bad);
  return {};
}

void HostileTextTest::boundsAndEscapesLabels() {
  const Label label(toQString(std::string_view(kHostile)));
  QCOMPARE(label.textFormat(), Qt::PlainText);
  QVERIFY(label.text().size() < 3100);
  QVERIFY2(label.text().startsWith(
               QStringLiteral("<img src=\"/nowhere/at/all.png\">\\x1B[31m &lt; a&b \\u202Ecba\n")),
           qPrintable(label.text().left(100)));
  // A label must not make its window wider or higher than the screen.
  Label wrapped(QString(3000, QLatin1Char('A')));
  wrapped.setWordWrap(true);
  QVERIFY(wrapped.minimumSizeHint().width() < 300);
  Label line(QString(3000, QLatin1Char('A')));
  line.setElideMode(Qt::ElideRight);
  QVERIFY(line.minimumSizeHint().width() < 300);
  QVERIFY(line.sizeHint().width() < 1000);
  const Label lines(QString(2000, QLatin1Char('\n')));
  QVERIFY(lines.text().count(QLatin1Char('\n')) < 50);
}

void HostileTextTest::wrapsToolTipsWithoutTags() {
  QCOMPARE(toolTipText({}), QString());
  const QString tip = toolTipText(toQString(std::string_view(kShort)));
  QVERIFY(Qt::mightBeRichText(tip)); // otherwise it would not wrap
  QTextDocument document;
  document.setHtml(tip);
  QVERIFY2(badHtml(document).isEmpty(), qPrintable(tip));
  QVERIFY(document.toPlainText().startsWith(
      QStringLiteral("<img src=\"/nowhere/at/all.png\">\\x1B[31m &lt; a&b")));
}

void HostileTextTest::open() {
  WorkflowCalls calls = m_fake->calls();
  calls.inspect = [](const std::filesystem::path&, const std::stop_token&) {
    return workflow::Inspection{hostileSummary(), {kHostile, kHostile, {kHostile, kShort}, kHostile}};
  };
  calls.weightStatistics = [](const auto&, const auto&, const auto&) -> checkpoint::WeightStatistics {
    failWith(kHostile);
  };
  calls.estimate = [](const auto&, const auto&) -> workflow::QuantizeEstimate { failWith(kHostile); };
  calls.fit = [](const auto& request, const auto&) {
    workflow::DeviceFit fit;
    fit.profile = {"hostile", kHostile, 1u << 20, 0, 4, 1e9, kHostile};
    fit.footprint.context = request.context;
    return std::vector{fit};
  };
  calls.checkCalibration = [](const auto&, const auto&, const auto&,
                              auto&) -> calibration::CalibrationReport {
    calibration::CalibrationReport report;
    report.chatTemplate = kHostile;
    report.findings = {{"duplicates", kHostile, 3, {kHostile, kShort}}};
    return report;
  };
  calls.quantize = [](const workflow::QuantizeRequest&, const auto&, const auto&, base::Progress& progress) {
    progress.report(0.5, kHostile);
    workflow::QuantizeResult result;
    result.artifact = "/artifacts/" + kShort;
    result.audit.detail = result.sha256 = kHostile;
    result.notes = {kHostile};
    result.findings = {{"overlap", kHostile, 1, {kHostile}}};
    quantization::LayerReport layer;
    layer.name = layer.requested = layer.effective = kHostile;
    layer.fallbacks = {kHostile, kShort};
    result.layers = {layer};
    return result;
  };
  calls.evaluate = [](const auto&, const auto&, const auto&, auto&) -> workflow::EvaluateResult {
    failWith(kHostile);
  };
  calls.sensitivity = [](const auto&, const auto&, const auto&, auto&) {
    quantization::Sensitivity sensitivity = test::fakeSensitivity();
    for (auto& layer : sensitivity.layers)
      layer.name += "." + kHostile;
    return sensitivity;
  };
  calls.probe = [](const auto&, const auto&) {
    devices::Probe probe;
    probe.machine = probe.kernel = probe.cpu = probe.governor = kHostile;
    return probe;
  };
  m_fake->versions.current = test::fakeVersion(kHostile, kHostile, kHostile, 2);
  m_fake->versions.previous = test::fakeVersion(kHostile, kShort, kShort, 1);
  m_fake->rows = hostileRows();
  const SessionPaths paths = m_fake->start().paths();
  // A log with a hostile file name.
  const std::string log = paths.log.parent_path().string() + "/<img src=nowhere>\x1b[31m &x \xe2\x80\xae.db";
  std::ofstream(log) << "x";
  m_fake->settings.setValue(QStringLiteral("logs/opened"), QStringList{toQString(std::string_view(log))});
  m_fake->session = std::make_unique<Session>(paths, calls, m_fake->methods, m_fake->settings);
  devices::Device device;
  device.name = kTag + "board";
  device.host = kTag.substr(0, 4);
  m_fake->session->devices().put(device);
  quantization::Recipe preset;
  preset.name = kShort;
  preset.rounding = {"gptq", base::Json::object()};
  m_window = std::make_unique<MainWindow>(*m_fake->session, *m_theme, std::vector{preset});
  m_window->show();
  QSignalSpy changed(m_fake->session.get(), &Session::modelChanged);
  m_fake->session->openModel("/models/" + kTag.substr(1, 8) +
                             "\x1b[31m&x\n/model"); // as a path in a file system
  NIB_WAIT(changed.count() == 1);
  m_fake->session->experiments().refresh();
  NIB_WAIT(!m_fake->session->experiments().rows().empty());
}

void HostileTextTest::fillQueue() {
  Session& session = *m_fake->session;
  workflow::QuantizeRequest request;
  request.model = "/models/demo";
  request.recipe.name = kHostile;
  FollowUps then;
  then.evaluate = workflow::EvaluateRequest();
  const JobId quantized = session.quantize(request, then);
  workflow::SensitivityRequest sensitivity;
  sensitivity.model = session.modelPath();
  session.measureSensitivity(sensitivity);
  session.probe(session.devices().devices().front());
  NIB_WAIT(session.queue().waitingOrRunning() == 0);
  auto* page = m_window->findChild<QueuePage*>();
  for (const JobId id : session.queue().ids()) {
    page->select(id);
    QCoreApplication::processEvents();
    QCOMPARE(complaint(), QString());
  }
  page->select(quantized);
}

void HostileTextTest::walksTheWholeWindow() {
  open();
  auto* recipe = m_window->recipePage();
  recipe->form()->setCalibrationFile(toQString(std::string_view(__FILE__)));
  auto* tensors = m_window->findChild<ModelsPage*>()->tensorTable();
  tensors->selectRow(0);
  fillQueue();
  const QSize size = m_window->size();
  for (const Page page : {Page::Models, Page::Recipe, Page::Queue, Page::Experiments, Page::Devices}) {
    m_window->showPage(page);
    QTest::qWait(600); // estimates and checks start after a delay
    QCOMPARE(complaint(), QString());
    m_window->grab();
  }
  QCOMPARE(m_window->size(), size);
  QVERIFY(!m_window->windowTitle().contains(QLatin1Char('\n')));
}

void HostileTextTest::walksItsDialogs() {
  open();
  fillQueue();
  Session& session = *m_fake->session;
  const devices::Device device = session.devices().devices().front();
  HostKeyDialog key(session.hostKeys(), 1, {kHostile, 22, kHostile, kHostile}, m_window.get());
  key.setAttribute(Qt::WA_DeleteOnClose, false);
  RollBackDialog rollBack(session, device, m_window.get());
  DeployDialog deploy(session, 1, toQString(std::string_view(device.name)), m_window.get());
  MessageDialog message(Question{toQString(std::string_view(kHostile)), toQString(std::string_view(kHostile)),
                                 toQString(std::string_view(kHostile)), QStringLiteral("Do"),
                                 QStringLiteral("Leave")},
                        m_window.get());
  JobSpec spec;
  spec.title = toQString(std::string_view(kHostile));
  spec.function = [](const std::stop_token& stop, base::Progress&) { return test::workUntilStopped(stop); };
  const JobId id = session.queue().add(std::move(spec));
  MessageDialog quit(quitQuestion(session.queue()), m_window.get());
  MessageDialog cancel(cancelQuestion(session.queue(), {id}), m_window.get());
  for (QDialog* dialog :
       std::initializer_list<QDialog*>{&key, &rollBack, &deploy, &message, &quit, &cancel}) {
    dialog->show();
    QTest::qWait(50);
    QCOMPARE(complaint(), QString());
    const QSize screen(1920, 1080);
    QVERIFY2(dialog->width() <= screen.width() && dialog->height() <= screen.height(),
             dialog->metaObject()->className());
    dialog->hide();
  }
  NIB_WAIT(rollBack.versionTitle().contains(QStringLiteral("img")));
}

void HostileTextTest::walksALogThatCannotBeRead() {
  WorkflowCalls calls = m_fake->calls();
  calls.experiments = [](const auto&, const auto&) -> std::vector<experiments::ExperimentRow> {
    failWith(kHostile);
  };
  calls.inspect = [](const auto&, const auto&) -> workflow::Inspection { failWith(kHostile); };
  const SessionPaths paths = m_fake->start().paths();
  std::ofstream(paths.deviceList) << "{\"schema\": 1, \"devices\": [{\"name\": \"" << kTag
                                  << "\", \"host\": 5}]}";
  m_fake->session = std::make_unique<Session>(paths, calls, m_fake->methods, m_fake->settings);
  m_window = std::make_unique<MainWindow>(*m_fake->session, *m_theme, std::vector<quantization::Recipe>());
  m_window->show();
  m_fake->session->experiments().refresh();
  QSignalSpy failed(m_fake->session.get(), &Session::modelFailed);
  m_fake->session->openModel("/models/" + kTag);
  NIB_WAIT(failed.count() == 1);
  NIB_WAIT(!m_fake->session->experiments().error().isEmpty());
  QCOMPARE(complaint(), QString());
}

/// Checks the check: it must find hostile text in every kind of widget that does not use the safe classes.
void HostileTextTest::detectsUnsafeText() {
  QCOMPARE(complaint(), QString());
  const QString text = toQString(std::string_view(kShort));
  const auto finds = [](QWidget& widget) {
    widget.show();
    return !complaint().isEmpty();
  };
  {
    QLabel label(QStringLiteral("harmless")); // wrong only by its text format
    QVERIFY(finds(label));
  }
  {
    QPushButton button(text);
    QVERIFY(finds(button));
  }
  {
    QComboBox combo;
    combo.addItem(text);
    QVERIFY(finds(combo));
  }
  {
    QListWidget list;
    (new QListWidgetItem(QStringLiteral("item"), &list))->setToolTip(toQString(std::string_view(kTag)));
    QVERIFY(finds(list));
  }
  {
    QWidget widget;
    widget.setToolTip(toQString(std::string_view(kTag)));
    QVERIFY(finds(widget));
  }
  {
    QMenu menu;
    menu.addAction(text);
    QVERIFY(!badActions(menu).isEmpty());
  }
  {
    QGraphicsScene scene;
    scene.addItem(new QGraphicsTextItem);
    static_cast<QGraphicsTextItem*>(scene.items().front())->setHtml(toQString(std::string_view(kTag)));
    QVERIFY(!badScene(scene).isEmpty());
  }
  QCOMPARE(complaint(), QString());
}

} // namespace nibblesmith::ui

NIB_TEST(nibblesmith::ui::HostileTextTest)
#include "hostile_text_test.moc"
