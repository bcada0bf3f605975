"""Menus and keys, made from the table of actions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QMenu, QWidget

from viewer.actions.context import Context
from viewer.actions.registry import Action, actions
from viewer.window.performing import Performing


@dataclass(frozen=True)
class Entry:
    """One thing that menu, palette or key can trigger."""

    action: Action
    title: str
    parameters: dict[str, Any]
    keys: tuple[str, ...]
    ticked: bool = False


def entries(context: Context, *, with_slow: bool = True) -> Iterator[Entry]:
    """Yield everything that can be triggered without further questions."""
    for action in actions().values():
        if action.slow_choices and not with_slow:
            continue
        if action.choices is not None:
            for choice in action.choices(context):
                title = f"{action.title}: {choice.title}"
                yield Entry(
                    action, title, dict(choice.parameters), choice.keys, ticked=choice.ticked
                )
        elif action.is_direct:
            yield Entry(action, action.title, {}, action.keys)


def key_text(key: str) -> str:
    """Return a key as a person reads it."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)


def build_menu(menu: QMenu, context: Context, performing: Performing) -> None:
    """Fill the program's menu: a sub-menu for each group; what cannot be done says why."""
    menu.clear()
    groups: dict[str, QMenu] = {}
    for action in actions().values():
        if not action.is_direct and action.choices is None:
            continue
        group = groups.get(action.group)
        if group is None:
            group = groups[action.group] = menu.addMenu(action.group)
            group.setToolTipsVisible(True)
        _add_action(group, action, context, performing)


def fill_menu(menu: QMenu, context: Context, performing: Performing, ids: Sequence[str]) -> None:
    """Fill a menu with some actions by their ids; a lone one brings its choices themselves."""
    for id_ in ids:
        _add_action(menu, actions()[id_], context, performing)


def fill_choices(
    menu: QMenu, context: Context, performing: Performing, id_: str, *, without: set[str]
) -> None:
    """Fill a menu with the choices of one action, those left out whose parameter is ``without``."""
    action = actions()[id_]
    for choice in action.choices(context) if action.choices else ():
        if without.isdisjoint(str(value) for value in choice.parameters.values()):
            entry = Entry(action, choice.title, dict(choice.parameters), choice.keys, choice.ticked)
            _add(menu, entry, action.enabled(context), performing)


def _add_action(group: QMenu, action: Action, context: Context, performing: Performing) -> None:
    reason = action.enabled(context)
    if action.choices is None:
        _add(group, Entry(action, action.title, {}, action.keys), reason, performing)
        return
    inner = group.addMenu(action.title)
    parts: dict[str, QMenu] = {"": inner}
    for choice in action.choices(context):
        if choice.group not in parts:
            parts[choice.group] = inner.addMenu(choice.group)
            parts[choice.group].setToolTipsVisible(True)
        entry = Entry(action, choice.title, dict(choice.parameters), choice.keys, choice.ticked)
        _add(parts[choice.group], entry, reason, performing)
    if inner.isEmpty():
        inner.setEnabled(False)


def _add(menu: QMenu, entry: Entry, reason: str, performing: Performing) -> None:
    item = menu.addAction(entry.title)
    if entry.keys:
        item.setText(f"{entry.title}\t{key_text(entry.keys[0])}")
    item.setEnabled(not reason)
    item.setToolTip(reason or entry.action.help)
    if entry.ticked:
        item.setCheckable(True)
        item.setChecked(True)
    item.triggered.connect(partial(_trigger, performing, entry))


def _trigger(performing: Performing, entry: Entry, _checked: bool = False) -> None:
    performing.perform(entry.action.id, **entry.parameters)


def install_keys(window: QWidget, context: Context, performing: Performing) -> list[QShortcut]:
    """Bind every key of the table; focus never owns a shortcut (texts being typed excepted)."""
    shortcuts = []
    for entry in entries(context, with_slow=False):
        for key in entry.keys:
            shortcut = QShortcut(QKeySequence(key), window)
            shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
            shortcut.activated.connect(partial(_trigger, performing, entry))
            shortcuts.append(shortcut)
    return shortcuts
