// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/main_window.hpp"

#include "base/path_status.hpp"
#include "ui/models/job_model.hpp"
#include "ui/models/number_text.hpp"
#include "ui/pages/devices/devices_page.hpp"
#include "ui/pages/experiments/experiments_page.hpp"
#include "ui/pages/models/models_page.hpp"
#include "ui/pages/queue/queue_page.hpp"
#include "ui/pages/recipe/recipe_history.hpp"
#include "ui/pages/recipe/recipe_page.hpp"
#include "ui/session/model_name.hpp"
#include "ui/session/session.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/help.hpp"
#include "ui/widgets/host_key_dialog.hpp"
#include "ui/widgets/job_questions.hpp"
#include "ui/widgets/label.hpp"
#include "ui/widgets/message_dialog.hpp"
#include "ui/widgets/navigation_bar.hpp"
#include "ui/widgets/open_model.hpp"
#include "ui/widgets/theme.hpp"
#include "ui/widgets/unfinished_bar.hpp"
#include "ui/widgets/wheel_guard.hpp"

#include <QActionGroup>
#include <QApplication>
#include <QBoxLayout>
#include <QCloseEvent>
#include <QDragEnterEvent>
#include <QFileDialog>
#include <QLineEdit>
#include <QMenuBar>
#include <QMimeData>
#include <QProgressBar>
#include <QShortcut>
#include <QStackedWidget>
#include <QStatusBar>
#include <QUrl>

#include <array>

namespace nibblesmith::ui {

namespace {

const QString kGeometryKey = QStringLiteral("window/geometry");
const QString kPageKey = QStringLiteral("window/page");
const QString kThemeKey = QStringLiteral("window/theme");
constexpr QSize kFirstSize{1320, 860};
constexpr QSize kSmallestSize{1000, 640};
constexpr int kNarrowWidth = 1180;
constexpr int kMessageMs = 6000;

struct PageInfo {
  Icon icon;
  const char* title;
  const char* help;
};
/// In the order of kPages.
constexpr std::array<PageInfo, kPages.size()> kPageInfos = {
    PageInfo{Icon::Models, QT_TRANSLATE_NOOP("MainWindow", "Models"),
             QT_TRANSLATE_NOOP("MainWindow", "Open a model and look at it")},
    PageInfo{Icon::Recipe, QT_TRANSLATE_NOOP("MainWindow", "Recipe"),
             QT_TRANSLATE_NOOP("MainWindow", "Choose how to quantize it")},
    PageInfo{Icon::Queue, QT_TRANSLATE_NOOP("MainWindow", "Queue"),
             QT_TRANSLATE_NOOP("MainWindow", "Jobs that wait, run and have ended")},
    PageInfo{Icon::Experiments, QT_TRANSLATE_NOOP("MainWindow", "Experiments"),
             QT_TRANSLATE_NOOP("MainWindow", "Compare what came out")},
    PageInfo{Icon::Devices, QT_TRANSLATE_NOOP("MainWindow", "Devices"),
             QT_TRANSLATE_NOOP("MainWindow", "Push a model to a board and measure it there")},
};

} // namespace

MainWindow::MainWindow(Session& session, Theme& theme, std::vector<quantization::Recipe> presets,
                       QWidget* parent)
    : QMainWindow(parent), m_session(session), m_theme(theme) {
  qApp->installEventFilter(new WheelGuard(this)); // installed before any of the widgets that it filters
  updateTitle();
  setAcceptDrops(true);
  theme.setChoice(themeFromName(session.settings().value(kThemeKey).toString()));
  makePages(std::move(presets));
  makeMenus();
  makeStatusBar();
  connect(&session, &Session::pageRequested, this, &MainWindow::showPage);
  connect(&session, &Session::message, this,
          [this](const QString& text) { statusBar()->showMessage(foreignText(text), kMessageMs); });
  connect(&session, &Session::modelOpening, this, [this] { showPage(Page::Models); });
  connect(&session, &Session::modelChanged, this, &MainWindow::updateTitle);
  connect(&session.hostKeys(), &HostKeyPrompt::asked, this,
          [this](quint64 question, const devices::HostKey& key) {
            (new HostKeyDialog(m_session.hostKeys(), question, key, this))->open();
          });
  m_unfinished->look();
  setMinimumSize(kSmallestSize);
  resize(kFirstSize);
  restoreGeometry(session.settings().value(kGeometryKey).toByteArray());
  showPage(pageNamed(session.settings().value(kPageKey).toString()).value_or(Page::Models));
}

void MainWindow::makePages(std::vector<quantization::Recipe> presets) {
  m_navigation = new NavigationBar;
  m_pages = new QStackedWidget;
  m_models = new ModelsPage(m_session);
  m_recipe = new RecipePage(m_session, std::move(presets));
  m_queue = new QueuePage(m_session);
  m_experiments = new ExperimentsPage(m_session);
  m_devices = new DevicesPage(m_session);
  const std::array<QWidget*, kPages.size()> pages = {m_models, m_recipe, m_queue, m_experiments, m_devices};
  for (size_t i = 0; i < kPages.size(); ++i) {
    const QKeySequence keys(Qt::CTRL | static_cast<Qt::Key>(Qt::Key_1 + i));
    m_navigation->addPage(
        kPageInfos[i].icon, tr(kPageInfos[i].title),
        QStringLiteral("%1 (%2)").arg(tr(kPageInfos[i].help), keys.toString(QKeySequence::NativeText)));
    m_pages->addWidget(pages[i]);
  }
  connect(m_navigation, &NavigationBar::chosen, this,
          [this](int index) { showPage(kPages[static_cast<size_t>(index)]); });
  m_unfinished = new UnfinishedBar(m_session);
  auto* right = new QVBoxLayout;
  right->setSpacing(0);
  right->addWidget(m_unfinished);
  right->addWidget(m_pages, 1);
  auto* center = new QWidget;
  auto* layout = new QHBoxLayout(center);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  layout->addWidget(m_navigation);
  layout->addLayout(right, 1);
  setCentralWidget(center);
}

void MainWindow::makeMenus() {
  QMenu* file = menuBar()->addMenu(tr("&File"));
  QAction* directory = file->addAction(icon(Icon::Open), tr("Open model &directory…"));
  directory->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_O));
  connect(directory, &QAction::triggered, this, [this] { openModelDirectory(m_session, this); });
  QAction* gguf = file->addAction(tr("Open &GGUF file…"));
  gguf->setShortcut(QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_O));
  connect(gguf, &QAction::triggered, this, [this] { openModelFile(m_session, this); });
  QAction* demo = file->addAction(tr("Open the de&mo model"));
  demo->setEnabled(base::pathExists(m_session.demoModel()));
  connect(demo, &QAction::triggered, this, [this] { m_session.openModel(m_session.demoModel()); });
  m_recent = file->addMenu(tr("&Recent models"));
  connect(&m_session, &Session::recentModelsChanged, this, &MainWindow::listRecent);
  listRecent();
  file->addSeparator();
  QAction* log = file->addAction(tr("Open experiment &log…"));
  log->setObjectName(QStringLiteral("openLog"));
  log->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_L));
  connect(log, &QAction::triggered, this, &MainWindow::chooseLog);
  m_logs = file->addMenu(tr("&Experiment logs"));
  m_logs->setToolTipsVisible(true);
  connect(&m_session, &Session::logChanged, this, [this] {
    listLogs();
    updateTitle();
  });
  connect(&m_session, &Session::logFailed, this, [this](const QString& path, const QString&) {
    listLogs();
    showPage(Page::Experiments); // shows the reason
    emit m_session.message(tr("%1 was not opened").arg(path));
  });
  listLogs();
  file->addSeparator();
  QAction* quit = file->addAction(tr("&Quit"));
  quit->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_Q));
  connect(quit, &QAction::triggered, this, &QWidget::close);
  makeEditMenu();
  makeViewMenu();
  QMenu* help = menuBar()->addMenu(tr("&Help"));
  connect(help->addAction(tr("&About Nibblesmith")), &QAction::triggered, this, &MainWindow::showAbout);
}

// The page and its undo stack are destroyed later than this class's members; signals must not arrive then.
MainWindow::~MainWindow() { disconnect(&m_recipe->history().stack(), nullptr, this, nullptr); }

void MainWindow::makeEditMenu() {
  QMenu* edit = menuBar()->addMenu(tr("&Edit"));
  QUndoStack& steps = m_recipe->history().stack();
  m_undo = edit->addAction(icon(Icon::Back), {}, &steps, &QUndoStack::undo);
  m_undo->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_Z));
  m_redo = edit->addAction(QString(), &steps, &QUndoStack::redo);
  m_redo->setShortcuts({QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_Z), QKeySequence(Qt::CTRL | Qt::Key_Y)});
  connect(&steps, &QUndoStack::indexChanged, this, &MainWindow::updateEditMenu);
  updateEditMenu();
}

void MainWindow::updateEditMenu() {
  // Undo is disabled while the recipe is hidden, because its effect would not be visible.
  const bool isSeen = m_pages->currentWidget() == m_recipe;
  const QUndoStack& steps = m_recipe->history().stack();
  m_undo->setEnabled(isSeen && steps.canUndo());
  m_redo->setEnabled(isSeen && steps.canRedo());
  m_undo->setText(tr("&Undo %1").arg(captionText(steps.undoText())));
  m_redo->setText(tr("&Redo %1").arg(captionText(steps.redoText())));
}

void MainWindow::makeViewMenu() {
  QMenu* view = menuBar()->addMenu(tr("&View"));
  for (size_t i = 0; i < kPages.size(); ++i) {
    QAction* page = view->addAction(icon(kPageInfos[i].icon), QLatin1Char('&') + tr(kPageInfos[i].title));
    page->setShortcut(QKeySequence(Qt::CTRL | static_cast<Qt::Key>(Qt::Key_1 + i)));
    connect(page, &QAction::triggered, this, [this, i] { showPage(kPages[i]); });
  }
  view->addSeparator();
  auto* group = new QActionGroup(this);
  for (const auto& [choice, text] :
       {std::pair(ThemeChoice::System, tr("Colours of the &system")),
        std::pair(ThemeChoice::Light, tr("&Light")), std::pair(ThemeChoice::Dark, tr("Dar&k"))}) {
    QAction* action = view->addAction(text);
    action->setCheckable(true);
    action->setChecked(choice == m_theme.choice());
    group->addAction(action);
    connect(action, &QAction::triggered, this, [this, choice = choice] {
      m_theme.setChoice(choice);
      m_session.settings().setValue(kThemeKey, themeName(choice));
    });
  }
  auto* find = new QShortcut(QKeySequence::Find, this);
  connect(find, &QShortcut::activated, this, [this] {
    // Focuses the search field of the visible page.
    for (QLineEdit* edit : m_pages->currentWidget()->findChildren<QLineEdit*>())
      if (edit->objectName().endsWith(QLatin1String("Filter")) && edit->isVisible())
        edit->setFocus(Qt::ShortcutFocusReason);
  });
}

void MainWindow::makeStatusBar() {
  m_job = new Label;
  m_job->setElideMode(Qt::ElideMiddle);
  m_bar = new QProgressBar;
  m_bar->setRange(0, 1000);
  m_bar->setFixedWidth(200);
  m_bar->setTextVisible(false);
  m_bar->setFixedHeight(12);
  statusBar()->addPermanentWidget(m_job);
  statusBar()->addPermanentWidget(m_bar);
  const JobQueue& queue = m_session.queue();
  connect(&queue, &JobQueue::added, this, &MainWindow::updateStatus);
  connect(&queue, &JobQueue::changed, this, &MainWindow::updateStatus);
  connect(&queue, &JobQueue::ended, this, [this](quint64 id) {
    if (const Job* job = m_session.queue().job(id))
      emit m_session.message(QStringLiteral("%1: %2").arg(job->title, stateText(*job)));
  });
  updateStatus();
}

void MainWindow::listRecent() {
  m_recent->clear();
  for (const QString& path : m_session.recentModels())
    connect(m_recent->addAction(captionText(path)), &QAction::triggered, this,
            [this, path] { m_session.openModel(toPath(path)); });
  m_recent->setEnabled(!m_recent->isEmpty());
}

void MainWindow::listLogs() {
  m_logs->clear();
  delete m_logs->findChild<QActionGroup*>();
  auto* group = new QActionGroup(m_logs);
  for (const KnownLogs::Log& log : m_session.logs().list(m_session.paths().log)) {
    QAction* action = m_logs->addAction(captionText(log.name));
    setHelp(action, toQString(log.path));
    action->setCheckable(true);
    action->setChecked(log.path == m_session.paths().log);
    group->addAction(action);
    connect(action, &QAction::triggered, this, [this, path = log.path] {
      m_session.openLog(path);
      showPage(Page::Experiments);
    });
  }
}

void MainWindow::chooseLog() {
  const QString path = QFileDialog::getOpenFileName(this, tr("Open an experiment log"),
                                                    toQString(m_session.paths().log.parent_path()),
                                                    tr("Experiment logs (*.db);;All files (*)"));
  if (path.isEmpty())
    return;
  m_session.openLog(toPath(path));
  showPage(Page::Experiments);
}

/// The title contains the model and, if it is not the user's own, the experiment log.
void MainWindow::updateTitle() {
  QStringList parts;
  if (m_session.model())
    parts << foreignText(m_session.modelName());
  if (!m_session.logs().isOwn(m_session.paths().log))
    parts << tr("log “%1”").arg(foreignText(m_session.logs().nameOf(m_session.paths().log)));
  parts << QStringLiteral("Nibblesmith");
  setWindowTitle(foreignText(parts.join(QStringLiteral(" — "))));
}

void MainWindow::updateStatus() {
  const Job* job = m_session.queue().current();
  const int open = m_session.queue().waitingOrRunning();
  m_navigation->setBadge(static_cast<int>(Page::Queue), open);
  m_bar->setVisible(job != nullptr);
  m_job->setVisible(job != nullptr);
  if (!job)
    return;
  m_bar->setValue(static_cast<int>(job->fraction * 1000));
  QString text = job->title;
  if (job->remainingSeconds)
    text += tr(" — %1 left").arg(durationText(job->remainingSeconds));
  if (open > 1)
    text += tr(" — %1 more").arg(open - 1);
  m_job->setText(text);
}

Page MainWindow::currentPage() const { return kPages[static_cast<size_t>(m_pages->currentIndex())]; }

bool MainWindow::isSettled() const {
  return !m_session.isOpening() && !m_session.isOpeningLog() && m_session.experiments().isLoaded() &&
         !m_session.experiments().isReading() && !m_recipe->isEstimating();
}

void MainWindow::showPage(Page page) {
  const int index = static_cast<int>(page);
  m_pages->setCurrentIndex(index);
  m_navigation->setCurrent(index);
  updateEditMenu();
  // Puts the focus into the page: Tab moves through it, and its shortcuts work at once.
  m_pages->currentWidget()->setFocus(Qt::OtherFocusReason);
}

void MainWindow::showAbout() {
  const QString text =
      tr("A workbench for engineers who put small language models on edge devices.\n\n"
         "The workbench is free software under the GNU General Public License, version 3 or later; its core, "
         "plugins and device runner are under the Apache License 2.0.\n\nMade with Qt %1.")
          .arg(QLatin1String(qVersion()));
  MessageDialog(applicationIcon(), tr("About Nibblesmith"),
                tr("Nibblesmith %1").arg(QApplication::applicationVersion()), text, this)
      .exec();
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  const QList<QUrl> urls = event->mimeData()->urls();
  if (urls.size() == 1 && urls.constFirst().isLocalFile())
    event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
  event->acceptProposedAction();
  m_session.openModel(toPath(event->mimeData()->urls().constFirst().toLocalFile()));
}

void MainWindow::resizeEvent(QResizeEvent* event) {
  m_navigation->setCompact(width() < kNarrowWidth);
  QMainWindow::resizeEvent(event);
}

void MainWindow::closeEvent(QCloseEvent* event) {
  if (m_session.queue().waitingOrRunning() > 0 && !confirm(this, quitQuestion(m_session.queue()))) {
    event->ignore();
    return;
  }
  m_session.settings().setValue(kGeometryKey, saveGeometry());
  m_session.settings().setValue(kPageKey, pageName(currentPage()));
  QMainWindow::closeEvent(event);
}

} // namespace nibblesmith::ui
