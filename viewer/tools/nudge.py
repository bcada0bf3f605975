"""A circle that pushes the edge of a segment: outward from inside, inward from outside."""

from viewer.domain.geometry import nearest
from viewer.session.edits import PaintLabels
from viewer.tools.base import Response, ToolScene, rests_after_fault
from viewer.tools.brush import Brush, stroke
from viewer.tools.pointer import PointerEvent


class Nudge(Brush):
    """Press inside the segment and push its edge out, or press outside and push it in.

    The circle is the brush's, in millimetres. One edit a push; Esc leaves no trace.
    """

    def __init__(self) -> None:
        super().__init__()
        self.key, self.title = "nudge", "Nudge the edge"

    @rests_after_fault
    def handle(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Decide at the press which way to push; then as the brush."""
        if event.button == "left" and event.kind in ("press", "double"):
            self._erases = not _inside(event, scene)
        return super().handle(event, scene)

    def finish(self, path: list[PointerEvent], scene: ToolScene) -> PaintLabels | None:
        """Return the push as an edit."""
        way = "in" if self._erases else "out"
        _, segment = scene.active()
        name = f"nudge the edge of {segment.name} {way}"
        return stroke(path, scene, erases=self._erases, name=name)


def _inside(event: PointerEvent, scene: ToolScene) -> bool:
    owner, segment = scene.active()
    i, j, k = (int(n) for n in nearest(owner.grid.index(event.lps_mm)))
    if not bool(owner.grid.contains(event.lps_mm)):
        return False
    return bool(owner.labels[k, j, i] == segment.number)
