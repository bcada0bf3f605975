"""The bar above: the program's menu, tools with their keys, the palette, what undo would undo."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from viewer.actions.context import Context
from viewer.actions.registry import actions
from viewer.window import theme
from viewer.window.controls import label
from viewer.window.menus import build_menu, fill_choices
from viewer.window.performing import Performing

_TOOLS_SHOWN = (
    "window",
    "distance",
    "bidirectional",
    "ellipse",
    "brush",
    "eraser",
    "polygon",
    "contour",
)


_UNDO_FROM_PX, _FIND_FROM_PX, _NAMES_FROM_PX = 1260, 1060, 940


class TopBar(QWidget):
    """Tools and verbs; folds its words away when the window is narrow."""

    def __init__(self, context: Context, performing: Performing) -> None:
        super().__init__()
        self._context, self._performing = context, performing
        self.setObjectName("bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(theme.TOP_PX)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(6, 0, 8, 0)
        self._row.setSpacing(2)
        self._row.addWidget(self._brand())
        self._tools: dict[str, QToolButton] = {}
        self._add_tools()
        self._more = self._more_tools()
        self._row.addWidget(self._more)
        self._row.addStretch(1)
        self._find = QToolButton()
        self._find.setText("Find an action   Ctrl K")
        self._find.setToolTip("Every action by name (Ctrl+K)")
        self._row.addWidget(self._find)
        self._row.addWidget(label(" "))
        self._undo = QToolButton()
        self._undo.setObjectName("quiet")
        self._undo.clicked.connect(lambda: self._performing.perform("edit.undo"))
        self._row.addWidget(self._undo)
        self.refresh()

    def on_find(self, call: Callable[[], None]) -> None:
        """Tell what opens the palette."""
        self._find.clicked.connect(call)

    def _brand(self) -> QToolButton:
        brand = QToolButton()
        brand.setObjectName("brand")
        brand.setText("Negatoscope  ▾")
        brand.setToolTip("All actions (F10)")
        brand.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(brand)
        menu.aboutToShow.connect(partial(build_menu, menu, self._context, self._performing))
        brand.setMenu(menu)
        brand.setShortcut("F10")
        return brand

    def _add_tools(self) -> None:
        choices = actions()["tool.choose"].choices
        if choices is None:
            return
        for choice in choices(self._context):
            key = str(choice.parameters["tool"])
            if key not in _TOOLS_SHOWN:
                continue
            button = QToolButton()
            button.setObjectName("tool")
            button.setCheckable(True)
            words = (choice.title, choice.keys[0].replace("Shift+", "⇧"))
            button.setText("  ".join(words))
            button.setProperty("words", words)
            button.setToolTip(f"{choice.title} ({choice.keys[0]})")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(partial(self._choose, key))
            self._tools[key] = button
            self._row.addWidget(button)

    def _more_tools(self) -> QToolButton:
        """Return the menu of the tools that have no button; it bears the name of one in hand."""
        button = QToolButton()
        button.setObjectName("tool")
        button.setCheckable(True)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setToolTip("All tools: angles, regions, probes, hands on segments")
        menu = QMenu(button)
        menu.aboutToShow.connect(partial(self._fill_tools, menu))
        button.setMenu(menu)
        return button

    def _fill_tools(self, menu: QMenu) -> None:
        menu.clear()
        fill_choices(menu, self._context, self._performing, "tool.choose", without=set(self._tools))

    def _choose(self, key: str, _checked: bool = False) -> None:
        self._performing.perform("tool.choose", tool=key)
        self.refresh()

    def fold(self, width_px: int) -> None:
        """Leave words out where there is no room: first the undo text, then the tools' names."""
        self._undo.setVisible(width_px >= _UNDO_FROM_PX)
        self._find.setText("Find an action   Ctrl K" if width_px >= _FIND_FROM_PX else "Ctrl K")
        for button in self._tools.values():
            title, keys = button.property("words")
            button.setText(f"{title}  {keys}" if width_px >= _NAMES_FROM_PX else keys)

    def undo_text(self) -> str:
        """Return what the button says."""
        return self._undo.text()

    def refresh(self) -> None:
        """Follow tool and history."""
        for key, button in self._tools.items():
            button.setChecked(key == self._context.viewing.look.tool)
        tool = self._context.viewing.look.tool
        choices = actions()["tool.choose"].choices
        titles = (
            {str(c.parameters["tool"]): c.title for c in choices(self._context)} if choices else {}
        )
        is_more = tool in titles and tool not in self._tools
        self._more.setText(f"{titles[tool]}  ▾" if is_more else "More  ▾")
        self._more.setChecked(is_more)
        name = self._context.session.undo_name if self._context.picture is not None else ""
        text = f"Undo: {name}" if name else "Nothing to undo"
        self._undo.setText(text if len(text) <= 44 else text[:43] + "…")
        self._undo.setToolTip(f"{text} (Ctrl+Z)")
        self._undo.setEnabled(bool(name))
