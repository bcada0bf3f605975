"""Everything that is painted over one slice pane, assembled in one order.

The window, captures and ``negatoscope render`` share this path: what is saved is what was seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from viewer.domain.calibration import Calibration
from viewer.domain.geometry import Plane
from viewer.domain.measurement import Measurement
from viewer.domain.volume import Picture, Window
from viewer.rendering import palettes
from viewer.rendering.annotate import (
    TEXT_PX,
    Mark,
    corner_texts,
    crosshair,
    marks,
    orientation_letters,
    ruler,
)
from viewer.rendering.corners import (
    NO_CORNERS,
    CornerMode,
    Corners,
    ViewFacts,
    brief_corner_text,
    corner_text,
)
from viewer.rendering.layout import LINE_PX, MARGIN_PX, Layout
from viewer.rendering.outlines import Outline, segment_outlines
from viewer.rendering.primitives import Handle, Line, Point, Primitive, Text
from viewer.rendering.shapes import Shape, half_slice_mm, measurement_shape, placed_label
from viewer.rendering.strip import Strip, strip_lines
from viewer.rendering.text_size import text_box

_SMALLEST_PX = (240, 160)  # smaller panes (thumbnails) carry letters and marks only
_CURSOR_PX = 6.0


@dataclass(frozen=True, eq=False)
class PaneInfo:
    """All that decides what is drawn over one pane.

    Attributes
    ----------
    plane_name
        "axial", "coronal", "sagittal"; another text names the view in grey; "" shows none.
    zoom
        Screen pixels for one voxel, as the corner says it.
    image
        (n, of how many), counted from 1.
    outdated
        Measurements (by uid) whose segment was painted since.
    value_text
        Value and position under the pointer (``corners.value_text``).
    point_lps_mm
        Where the cross-hair is; the lines are the planes of ``others``.
    cursor_lps_mm
        Where the pointer of another pane is; drawn if this plane holds it.
    split_x
        The divider between original (left) and enhanced, pixels of the plane.
    calibration
        What was said by hand about the size of the shown image.
    brief
        A further view of a study that another pane names: name of the plane, window, place.
    """

    picture: Picture
    plane: Plane
    plane_name: str = ""
    window: Window | None = None
    zoom: float = 1.0
    image: tuple[int, int] | None = None
    value_text: str = ""
    point_lps_mm: tuple[float, float, float] | None = None
    cursor_lps_mm: tuple[float, float, float] | None = None
    others: Mapping[str, Plane] = field(default_factory=dict)
    measurements: tuple[Measurement, ...] = ()
    outlines: tuple[Outline, ...] = ()
    marks: tuple[Mark, ...] = ()
    selected_uid: str = ""
    outdated: frozenset[str] = frozenset()
    corners: CornerMode = CornerMode.FULL
    split_x: float | None = None
    calibration: Calibration | None = None
    brief: bool = False
    strip: Strip | None = None

    @property
    def is_small(self) -> bool:
        """Whether the pane has no room for corner texts."""
        width, height = self.plane.size_px
        return width < _SMALLEST_PX[0] or height < _SMALLEST_PX[1]


def pane_primitives(info: PaneInfo) -> tuple[Primitive, ...]:
    """Return everything drawn over the pane: shapes below, then texts, grips on top.

    Texts take their places in the order of what must not be missed: letters, corners, marks, scale,
    and then the labels, which go where room is left.
    """
    layout = Layout(info.plane.size_px)
    standing = _standing_texts(info, layout)
    shapes = _shapes(info)
    split = _split(info, layout)
    boxes = [shape.box for shape in shapes]
    labels = [placed_label(shape, layout, boxes) for shape in shapes]
    return (
        *segment_outlines(info.outlines, info.plane),
        *_cross(info),
        *_cursor(info),
        *split,
        *(line for shape in shapes for line in shape.lines),
        *(part for label in labels for part in label),
        *standing,
        *(strip_lines(info.strip, info.plane.size_px) if info.strip and not info.is_small else ()),
        *(handle for shape in shapes for handle in shape.handles),
    )


def _standing_texts(info: PaneInfo, layout: Layout) -> list[Primitive]:
    """Return letters, corners, marks and the ruler: what stands in the same place in every pane."""
    show_corners = info.corners is not CornerMode.NONE and not info.is_small
    corners: Corners = _corner_lines(info) if show_corners else NO_CORNERS
    top_rows = max(len(corners["tr"]), 1)
    bottom_rows = len(corners["br"]) + bool(show_corners and info.plane_name and not info.brief)
    room = (
        MARGIN_PX + top_rows * LINE_PX + 8,
        layout.height - MARGIN_PX - max(bottom_rows, 1) * LINE_PX - 8,
    )
    scale = () if info.is_small else ruler(info.plane, info.picture.spacing, room, info.calibration)
    inset = 24.0 if scale else MARGIN_PX
    found: list[Primitive] = []
    found += layout.add(*orientation_letters(info.plane, info.picture, right_inset_px=inset))
    if show_corners:
        name = info.plane_name
        found += corner_texts(corners, layout, plane_name=name, chip_on_top=info.brief)
    layout.taken.extend(text_box(part) for part in scale if isinstance(part, Text))
    if scale:
        layout.taken.append((layout.width - 20, room[0], layout.width, room[1]))
    bottom = layout.height - 1 - MARGIN_PX - len(corners["bl"]) * LINE_PX - 3
    found += marks(info.marks, layout, bottom)
    return [*scale, *found]


def _corner_lines(info: PaneInfo) -> Corners:
    facts = ViewFacts(info.window, info.zoom, info.image, info.value_text)
    if info.brief:
        return brief_corner_text(info.plane, facts, is_volume=info.picture.is_volume)
    return corner_text(info.picture, info.plane, facts, info.corners)


def _shapes(info: PaneInfo) -> list[Shape]:
    reach = half_slice_mm(info.picture.grid, info.plane)
    found = (
        measurement_shape(
            item,
            info.plane,
            reach,
            selected=item.uid == info.selected_uid,
            outdated=item.uid in info.outdated,
        )
        for item in info.measurements
    )
    return [shape for shape in found if shape is not None]


def _cross(info: PaneInfo) -> tuple[Line, ...]:
    if info.point_lps_mm is None:
        return ()
    return crosshair(info.plane, info.point_lps_mm, info.others)


def _cursor(info: PaneInfo) -> tuple[Line, ...]:
    if info.cursor_lps_mm is None:
        return ()
    x, y, off = (float(v) for v in info.plane.pixel(info.cursor_lps_mm))
    if abs(off) > half_slice_mm(info.picture.grid, info.plane):
        return ()
    size = _CURSOR_PX
    arms: tuple[tuple[Point, Point], ...] = (
        ((x - size, y), (x - 2, y)),
        ((x + 2, y), (x + size, y)),
        ((x, y - size), (x, y - 2)),
        ((x, y + 2), (x, y + size)),
    )
    return tuple(Line(arm, palettes.ACCENT, 1.5, halo=True) for arm in arms)


def _split(info: PaneInfo, layout: Layout) -> tuple[Primitive, ...]:
    """Return the divider between original and enhanced, with both names beside it."""
    x = info.split_x
    if x is None:
        return ()
    found: list[Primitive] = [
        Line(((x, -0.5), (x, layout.height - 0.5)), palettes.ACCENT, alpha=0.9, halo=True),
        Handle((x, layout.height / 2), palettes.ACCENT, 5.0),
    ]
    for y in range(int(MARGIN_PX), int(layout.height - LINE_PX), int(LINE_PX)):
        names = (
            Text((x - 7, float(y)), "original", palettes.INK, TEXT_PX, "tr"),
            Text((x + 7, float(y)), "enhanced", palettes.ACCENT, TEXT_PX, "tl"),
        )
        if all(layout.is_free(text_box(name)) for name in names):
            return (*found, *layout.add(*names))
    return tuple(found)
