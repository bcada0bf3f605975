"""The tools by key."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from viewer.tools.base import Tool
from viewer.tools.bidirectional import Bidirectional
from viewer.tools.brush import Brush
from viewer.tools.contour import Contour
from viewer.tools.drawing import Distance, Ellipse
from viewer.tools.handles import Handles
from viewer.tools.loop import Freehand, Scissors
from viewer.tools.nudge import Nudge
from viewer.tools.polygon import Polygon

TOOLS: Mapping[str, Callable[[], Tool]] = MappingProxyType(
    {
        "handles": Handles,
        "distance": Distance,
        "bidirectional": Bidirectional,
        "ellipse": Ellipse,
        "brush": Brush,
        "eraser": lambda: Brush(erases=True),
        "polygon": Polygon,
        "contour": Contour,
        "freehand": Freehand,
        "nudge": Nudge,
        "scissors": Scissors,
    }
)


def make_tool(key: str) -> Tool | None:
    """Return a new tool; None for a key that is no drawing tool (window, zoom, pan, ...)."""
    maker = TOOLS.get(key)
    return None if maker is None else maker()
