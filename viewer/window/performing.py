"""Triggers actions from widgets: a refusal becomes a notice, never a traceback on the screen."""

from typing import Any

from viewer.actions.context import Context
from viewer.actions.registry import perform


class Performing:
    """The one way from a widget to an action."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def perform(self, id: str, /, **parameters: Any) -> Any:  # noqa: A002 - the program's word
        """Run an action; return its result, or None after telling the person why it failed."""
        try:
            return perform(self._context, id, **parameters)
        except Exception as error:  # noqa: BLE001 - the border: a fault never closes the window
            self._context.tell_fault(error)
            return None
