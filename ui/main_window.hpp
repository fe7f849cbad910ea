// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "quantization/recipe.hpp"
#include "ui/session/page.hpp"

#include <QMainWindow>

#include <vector>

class QAction;
class QMenu;
class QProgressBar;
class QStackedWidget;

namespace nibblesmith::ui {

class DevicesPage;
class ExperimentsPage;
class Label;
class ModelsPage;
class NavigationBar;
class QueuePage;
class RecipePage;
class Session;
class Theme;
class UnfinishedBar;

/// Main window: arranges the pages, the menus and the status bar; the pages do the work. GUI thread.
class MainWindow : public QMainWindow {
  Q_OBJECT

public:
  MainWindow(Session& session, Theme& theme, std::vector<quantization::Recipe> presets,
             QWidget* parent = nullptr);
  ~MainWindow() override;

  void showPage(Page page);
  Page currentPage() const;
  RecipePage* recipePage() const { return m_recipe; }
  /// True if nothing that the pages show is still being read or computed.
  bool isSettled() const;

protected:
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;
  void closeEvent(QCloseEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

private:
  void makePages(std::vector<quantization::Recipe> presets);
  void makeMenus();
  void makeEditMenu();
  void updateEditMenu();
  void makeViewMenu();
  void makeStatusBar();
  void listRecent();
  void listLogs();
  void chooseLog();
  void updateTitle();
  void updateStatus();
  void showAbout();

  Session& m_session;
  Theme& m_theme;
  NavigationBar* m_navigation = nullptr;
  UnfinishedBar* m_unfinished = nullptr;
  QStackedWidget* m_pages = nullptr;
  ModelsPage* m_models = nullptr;
  RecipePage* m_recipe = nullptr;
  QueuePage* m_queue = nullptr;
  ExperimentsPage* m_experiments = nullptr;
  DevicesPage* m_devices = nullptr;
  QMenu* m_recent = nullptr;
  QMenu* m_logs = nullptr;
  QAction* m_undo = nullptr;
  QAction* m_redo = nullptr;
  Label* m_job = nullptr;
  QProgressBar* m_bar = nullptr;
};

} // namespace nibblesmith::ui
