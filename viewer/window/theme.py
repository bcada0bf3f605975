"""Colours, type and measures of the window, in one place (the product's look, dark room first)."""

from typing import Final

from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication

from viewer.painting.fonts import load_fonts

WINDOW: Final = "#0b0d10"
PANE: Final = "#000000"
PANEL: Final = "#14171b"
RAISED: Final = "#1b1f25"
HOVER: Final = "#232830"
LINE: Final = "#262b32"
TEXT: Final = "#d6dbe1"
DIM: Final = "#8b949e"
FAINT: Final = "#5b6470"
ACCENT: Final = "#4fb3bf"
SELECTED: Final = "#112a2e"
WARNING: Final = "#e0a84a"
GOOD: Final = "#7fc28a"
AI: Final = "#b48ef0"
FAULT: Final = "#e5786d"

LEFT_PX: Final = 232
RIGHT_PX: Final = 316
TOP_PX: Final = 40
BOTTOM_PX: Final = 26
FOLD_BELOW_PX: Final = 1120  # narrower windows fold the panels first

STYLE = f"""
* {{ font-family: "Inter"; font-size: 12px; color: {TEXT}; outline: none; }}
QWidget {{ background: transparent; }}
QMainWindow, QDialog, #root {{ background: {WINDOW}; }}
#panel, #bar {{ background: {PANEL}; }}
#card {{ background: {RAISED}; border-radius: 5px; }}
#dim {{ color: {DIM}; }} #faint {{ color: {FAINT}; }} #good {{ color: {GOOD}; }}
#warning {{ color: {WARNING}; }} #ai {{ color: {AI}; font-weight: 600; }}
#caption {{ color: {DIM}; font-size: 11px; }}
#heading {{ color: {DIM}; font-size: 11px; font-weight: 600; }}
#name {{ font-size: 13px; font-weight: 600; }}
#strong {{ font-weight: 600; }}
#line {{ background: {LINE}; }}
QPushButton, QToolButton {{ background: {RAISED}; border: 1px solid transparent; border-radius: 5px;
  padding: 4px 10px; }}
QPushButton:hover, QToolButton:hover {{ background: {HOVER}; }}
QPushButton:pressed, QToolButton:pressed {{ background: {LINE}; }}
QPushButton:focus, QToolButton:focus, QLineEdit:focus {{ border: 1px solid {ACCENT}; }}
QPushButton:disabled, QToolButton:disabled {{ color: {FAINT}; }}
QPushButton#primary {{ background: {ACCENT}; color: #071214; font-weight: 600; }}
QPushButton#primary:hover {{ background: #62c2cd; }}
QPushButton#primary:disabled {{ background: {RAISED}; color: {FAINT}; }}
QToolButton#tool {{ background: transparent; padding: 4px 9px; }}
QToolButton#tool:hover {{ background: {RAISED}; }}
QToolButton#tool:checked {{ background: {SELECTED}; border: 1px solid {ACCENT}; }}
QToolButton#brand {{ background: transparent; font-size: 13px; font-weight: 600; padding: 4px 8px; }}
QToolButton#brand:hover {{ background: {RAISED}; }}
QToolButton::menu-indicator, QPushButton::menu-indicator {{ image: none; width: 0; }}
QToolButton#quiet, QPushButton#quiet {{ background: transparent; color: {DIM}; padding: 2px 6px; }}
QToolButton#quiet:hover, QPushButton#quiet:hover {{ color: {TEXT}; background: {RAISED}; }}
QLineEdit {{ background: {WINDOW}; border: 1px solid {LINE}; border-radius: 5px; padding: 5px 9px;
  selection-background-color: {ACCENT}; selection-color: #071214; }}
QMenu {{ background: {RAISED}; border: 1px solid {LINE}; padding: 4px; }}
QMenu::item {{ padding: 5px 22px 5px 12px; border-radius: 4px; }}
QMenu::item:selected {{ background: {SELECTED}; }}
QMenu::item:disabled {{ color: {FAINT}; }}
QMenu::separator {{ height: 1px; background: {LINE}; margin: 4px 6px; }}
QToolTip {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; padding: 4px 6px; }}
QScrollArea {{ border: none; background: transparent; }}
QScrollBar:vertical {{ background: transparent; width: 8px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 8px; margin: 0; }}
QScrollBar::handle {{ background: {LINE}; border-radius: 3px; min-height: 24px; min-width: 24px;
  margin: 1px; }}
QScrollBar::handle:hover {{ background: {FAINT}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QSlider::groove:horizontal {{ height: 3px; background: {LINE}; border-radius: 1px; }}
QSlider::sub-page:horizontal {{ background: {ACCENT}; border-radius: 1px; }}
QSlider::handle:horizontal {{ background: #eef2f5; width: 11px; height: 11px; margin: -4px 0;
  border-radius: 5px; }}
QSlider::handle:horizontal:focus {{ background: {ACCENT}; }}
QSlider::sub-page:horizontal:disabled {{ background: {FAINT}; }}
QSlider::handle:horizontal:disabled {{ background: {FAINT}; }}
QComboBox {{ background: {RAISED}; border: 1px solid {LINE}; border-radius: 5px; padding: 3px 8px; }}
QComboBox:focus {{ border: 1px solid {ACCENT}; }}
QComboBox::drop-down {{ border: none; width: 14px; }}
QAbstractItemView {{ background: {RAISED}; border: 1px solid {LINE}; selection-background-color: {SELECTED};
  selection-color: {TEXT}; }}
QListView, QTreeView, QTableView {{ background: {WINDOW}; alternate-background-color: {PANEL}; }}
QHeaderView::section {{ background: {PANEL}; color: {DIM}; border: none; padding: 4px 6px; }}
QProgressBar {{ background: {LINE}; border: none; border-radius: 1px; max-height: 3px; }}
QProgressBar::chunk {{ background: {AI}; border-radius: 1px; }}
QLabel#chip {{ background: {SELECTED}; color: {ACCENT}; border-radius: 3px; padding: 1px 5px; }}
#notice {{ background: {RAISED}; border-bottom: 1px solid {LINE}; }}
#entry {{ background: transparent; border-left: 2px solid transparent; }}
#entry:hover {{ background: {RAISED}; }}
#entry[shown="true"] {{ background: {SELECTED}; border-left: 2px solid {ACCENT}; }}
"""


def apply_theme(app: QApplication) -> None:
    """Give the application its colours, its type face and its style sheet; no white flash."""
    load_fonts()
    app.setStyle("Fusion")
    font = QFont("Inter")
    font.setPixelSize(12)
    app.setFont(font)
    palette = QPalette()
    for role, colour in (
        (QPalette.ColorRole.Window, WINDOW),
        (QPalette.ColorRole.Base, WINDOW),
        (QPalette.ColorRole.AlternateBase, PANEL),
        (QPalette.ColorRole.Button, RAISED),
        (QPalette.ColorRole.WindowText, TEXT),
        (QPalette.ColorRole.Text, TEXT),
        (QPalette.ColorRole.ButtonText, TEXT),
        (QPalette.ColorRole.ToolTipBase, RAISED),
        (QPalette.ColorRole.ToolTipText, TEXT),
        (QPalette.ColorRole.PlaceholderText, DIM),
        (QPalette.ColorRole.Highlight, ACCENT),
        (QPalette.ColorRole.HighlightedText, "#071214"),
    ):
        palette.setColor(role, QColor(colour))
    app.setPalette(palette)
    app.setStyleSheet(STYLE)
