"""The tools by key."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from viewer.domain.measurement import KINDS
from viewer.tools.base import Tool
from viewer.tools.bidirectional import Bidirectional
from viewer.tools.brush import Brush
from viewer.tools.contour import Contour
from viewer.tools.drawing import Arrow, Distance, Ellipse, Rectangle, WallToWall
from viewer.tools.handles import Handles
from viewer.tools.livewire import Livewire
from viewer.tools.loop import Freehand, Scissors
from viewer.tools.nudge import Nudge
from viewer.tools.outlines import FreeRegion, WireRegion
from viewer.tools.places import Places
from viewer.tools.polygon import Polygon
from viewer.tools.redraw import Redraw

TOOLS: Mapping[str, Callable[[], Tool]] = MappingProxyType(
    {
        "handles": Handles,
        "distance": Distance,
        "bidirectional": Bidirectional,
        "angle": lambda: Places("angle"),
        "cobb": lambda: Places("cobb"),
        "polyline": lambda: Places("polyline"),
        "ellipse": Ellipse,
        "rectangle": Rectangle,
        # "polygon" fills voxels; this one measures them.
        "region": lambda: Places("polygon", "region"),
        "free_region": FreeRegion,
        "wire_region": WireRegion,
        "calcium_score": lambda: Places("calcium_score"),
        "wall_to_wall": WallToWall,
        "probe": lambda: Places("probe"),
        "arrow": Arrow,
        "note": lambda: Places("note"),
        "suv_peak": lambda: Places("suv_peak"),
        "cardiothoracic_ratio": lambda: Places("cardiothoracic_ratio"),
        "brush": Brush,
        "eraser": lambda: Brush(erases=True),
        "polygon": Polygon,
        "contour": Contour,
        "livewire": Livewire,
        "freehand": Freehand,
        "nudge": Nudge,
        "redraw": Redraw,
        "scissors": Scissors,
    }
)

# tool -> the kind of measurement that it makes
_REGIONS = {"region": "polygon", "free_region": "freehand", "wire_region": "livewire"}
MEASURES: Mapping[str, str] = MappingProxyType(
    {key: key for key in TOOLS if key in KINDS and key not in _REGIONS.values()} | _REGIONS
)


def make_tool(key: str) -> Tool | None:
    """Return a new tool; None for a key that is no drawing tool (window, zoom, pan, ...)."""
    maker = TOOLS.get(key)
    return None if maker is None else maker()
