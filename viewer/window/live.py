"""The live enhancement of one window: its worker threads, its flicker, what it says of failures."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from viewer.actions.context import Context
from viewer.domain.chain import Step
from viewer.session.enhancer import Enhancer
from viewer.session.viewing import Look
from viewer.window.bridge import Bridge
from viewer.window.performing import Performing

_FLICKER_MS = 600  # slow enough to look, and far below what harms people (3 flashes a second)


class LiveEnhancement(QObject):
    """Makes the enhancer of a window and follows the look. ``close`` ends its threads."""

    def __init__(
        self, context: Context, performing: Performing, changed: Callable[[], None]
    ) -> None:
        super().__init__()
        self._context, self._performing = context, performing
        self._bridge = Bridge(context.tell_fault)
        self._reasons: dict[tuple[str, str, object], str] = {}
        self.enhancer = Enhancer(
            context.extensions.filters,
            post=self._bridge.post,
            changed=changed,
            failed=self._filter_failed,
        )
        self._flicker = QTimer(self)
        self._flicker.setInterval(_FLICKER_MS)
        self._flicker.timeout.connect(self._turn)

    def follow(self, look: Look) -> None:
        """Start or stop the flicker."""
        wanted = look.compare == "flicker" and bool(look.picture_key)
        if wanted and not self._flicker.isActive():
            self._flicker.start()
        elif not wanted and self._flicker.isActive():
            self._flicker.stop()
            self._context.viewing.set(original=False)

    def reason(self, picture_key: str, step: Step) -> str:
        """Return why a step has no effect, "" if it has one, or was switched off by a person."""
        return self._reasons.get((picture_key, step.key, step.parameters), "")

    def close(self) -> None:
        """Stop flicker and threads; what is still under way tells nobody."""
        self._flicker.stop()
        self._bridge.close()
        self.enhancer.close()

    def _turn(self) -> None:
        viewing = self._context.viewing
        viewing.set(original=not viewing.look.original)

    def _filter_failed(self, picture_key: str, step: Step, reason: str) -> None:
        """Switch the step off after painting: an edit repaints, and a paint must not.

        A filter that has a form in three dimensions stays on: a plane may not be enough for it.
        """
        self._reasons[picture_key, step.key, step.parameters] = reason
        found = self._context.extensions.filters.get(step.key)
        if found is None or found.volume_function is None:
            QTimer.singleShot(0, self, lambda: self._give_up(picture_key, step, reason))

    def _give_up(self, picture_key: str, step: Step, reason: str) -> None:
        if self._context.viewing.look.picture_key == picture_key:
            self._performing.perform("enhance.give_up", filter=step.key, reason=reason)
