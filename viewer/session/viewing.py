"""Where one looks: plane, window, zoom, layout, tool. Kept and restored, but never undone."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import floor
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from numpy.typing import ArrayLike
from psygnal import Signal

from viewer.domain.geometry import (
    STANDARD_AXES,
    Floats,
    Grid,
    Plane,
    PlaneName,
    acquired_plane,
    cross,
    fitted_plane,
)
from viewer.domain.volume import Picture, Window
from viewer.imaging.value_chain import default_window, shown_inverted
from viewer.rendering.corners import CornerMode
from viewer.session.layers import (
    clamped_into,
    clamped_to,
    depth_range_mm,
    slice_step_mm,
    snapped,
)

# Late: few studies come with a presentation state, and the first picture waits for none.
if TYPE_CHECKING:
    from viewer.domain.presentation import PresentationState
    from viewer.session.drafting import Draft
    from viewer.session.value_overlay import ValueOverlay

PaneName = Literal["axial", "coronal", "sagittal", "acquired"]
PLANES: tuple[PlaneName, ...] = ("axial", "sagittal", "coronal")

# One notch towards the reader is the next image: axial towards the feet (field.md 4.1), which is
# against the plane's normal; the other planes go along it.
_NEXT: dict[str, float] = {"axial": -1.0, "coronal": 1.0, "sagittal": 1.0, "acquired": 1.0}
_FIT_MARGIN = 1.06


@dataclass(frozen=True, slots=True)
class ToolSettings:
    """How the hands work: brush radius in millimetres, ball or disc, draw or erase.

    ``over``: what painting may take: "all" (but locked segments), "hidden" (background and hidden
    segments) or "background". ``paint_range``: values (low, high) outside of which nothing is
    painted, None: no limit. ``edge_aware``: the brush stops where the values change. ``spline``:
    polygons and contours are smooth curves through their corners.
    """

    brush_radius_mm: float = 5.0
    sphere: bool = False
    erase: bool = False
    over: str = "all"
    paint_range: tuple[float, float] | None = None
    edge_aware: bool = False
    spline: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that a reader chose about seeing; one immutable value.

    ``planes`` holds the plane of each pane of the shown picture, ``windows`` the window of each
    picture by key. ``split`` is the position of the comparing line (0..1 of the pane), None: off.
    ``compare`` sets enhanced against original: "flicker", "side", "difference", "": not at all.
    """

    picture_key: str = ""
    planes: Mapping[str, Plane] = field(default_factory=dict)
    windows: Mapping[str, Window] = field(default_factory=dict)
    inverted: frozenset[str] = frozenset()
    crosshair_lps_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    crosshair_shown: bool = True
    active_pane: str = "axial"
    enlarged: str = ""
    tool: str = "window"
    settings: ToolSettings = field(default_factory=ToolSettings)
    segmentation_uid: str = ""
    segment_number: int = 0
    selected_uid: str = ""
    split: float | None = None
    original: bool = False
    compare: str = ""
    corners: CornerMode = CornerMode.FULL
    segments_shown: bool = True
    presentation_uid: str = ""
    overlays_shown: bool = True
    shutter_shown: bool = True
    panels_shown: bool = True
    history_shown: bool = False


class Viewing:
    """The look of one session; ``changed`` tells the names of the fields that changed."""

    changed = Signal(frozenset)

    def __init__(self) -> None:
        self.look = Look()
        self.presentations: dict[str, PresentationState] = {}
        self.draft: Draft | None = None
        self.over: dict[str, ValueOverlay] = {}
        self._sizes_px: dict[str, tuple[int, int]] = {}
        self._extents_mm: dict[str, tuple[float, float]] = {}

    def set(self, **fields: Any) -> None:
        """Change fields of the look and tell which ones really changed."""
        before = self.look
        self.look = replace(before, **fields)
        names = frozenset(
            name for name in fields if getattr(before, name) != getattr(self.look, name)
        )
        if names:
            self.changed.emit(names)

    def set_draft(self, draft: "Draft | None") -> None:
        """Try a segmentation method, or nothing (None); told as "draft". Never kept."""
        self.draft = draft
        self.changed.emit(frozenset({"draft"}))

    def lay(self, overlay: "ValueOverlay") -> None:
        """Lay values over their picture, in place of the last of their kind.

        Told as "over", or as "over_look" where the same values only look another way.
        """
        before = self.over.get(overlay.kind)
        same = before is not None and before.layer is overlay.layer
        self.over = {**self.over, overlay.kind: overlay}
        self.changed.emit(frozenset({"over_look" if same else "over"}))

    def take_off(self, kind: str) -> None:
        """Take the values of a kind off; told as "over"."""
        self.over = {name: one for name, one in self.over.items() if name != kind}
        self.changed.emit(frozenset({"over"}))

    def pane_size(self, pane: str) -> tuple[int, int]:
        """Return the size of a pane as last painted."""
        return self._sizes_px.get(pane, (512, 512))

    def resize_pane(self, pane: str, size_px: tuple[int, int]) -> None:
        """Keep the pane's centre, and its zoom as a share of the zoom that fits the picture.

        The way to a size leaves no trace: panels folded and unfolded, or the small sizes that a
        window passes through while it is laid out, give the same picture again.
        """
        old = self._sizes_px.get(pane)
        self._sizes_px[pane] = size_px
        plane = self.look.planes.get(pane)
        if plane is None or old == size_px or min(size_px) < 2:
            return
        width_mm, height_mm = self._extents_mm.get(pane, (1.0, 1.0))
        fit_mm = [max(width_mm / x, height_mm / y) for x, y in (plane.size_px, size_px)]
        factor = fit_mm[0] / fit_mm[1]
        grown = plane.resized(size_px)
        middle = ((size_px[0] - 1) / 2, (size_px[1] - 1) / 2)
        self._set_plane(pane, grown.zoomed(factor, middle))

    def refit_pane(self, pane: str, size_px: tuple[int, int]) -> None:
        """Bring a plane that was made for another size to this one."""
        plane = self.look.planes.get(pane)
        if plane is not None and plane.size_px != size_px:
            self._sizes_px[pane] = plane.size_px
            self.resize_pane(pane, size_px)

    # --- what is shown ---------------------------------------------------------------------

    def show(self, picture: Picture) -> None:
        """Show ``picture`` in fitted planes through its middle, with its own window."""
        centre = picture.grid.centre_lps_mm
        planes = {name: self._fitted(picture, name) for name in panes_of(picture)}
        windows = dict(self.look.windows)
        windows.setdefault(picture.key, default_window(picture))
        first = panes_of(picture)[0]
        self.set(
            picture_key=picture.key,
            planes=planes,
            windows=windows,
            crosshair_lps_mm=_point(centre),
            active_pane=first,
            enlarged="" if picture.is_volume else first,
            selected_uid="",
            presentation_uid="",
        )
        for name in planes:
            self.go_to(picture, centre, only=name)

    def take_window(self, picture: Picture, before: Window) -> None:
        """Take the window that follows from the values, unless the reader chose one meanwhile.

        ``before`` is the window that was guessed before the values were read. Place and zoom stay.
        """
        if self.look.windows.get(picture.key) == before:
            self.set_window(picture, default_window(picture))

    def reset(self, picture: Picture) -> None:
        """Fit all planes again and take the picture's own window."""
        planes = {name: self._fitted(picture, name) for name in panes_of(picture)}
        windows = {**self.look.windows, picture.key: default_window(picture)}
        inverted = self.look.inverted - {picture.key}
        self.set(planes=planes, windows=windows, inverted=inverted, split=None)
        self.go_to(picture, self.look.crosshair_lps_mm)

    def _fitted(self, picture: Picture, pane: str) -> Plane:
        size = self.pane_size(pane)
        if pane == "acquired":
            k = picture.grid.shape_kji[0] // 2
            plane = acquired_plane(picture.grid, size, k)
            plane = plane.zoomed(1 / _FIT_MARGIN, ((size[0] - 1) / 2, (size[1] - 1) / 2))
        else:
            plane = fitted_plane(picture.grid, cast(PlaneName, pane), size, margin=_FIT_MARGIN)
        corners = picture.grid.corners_lps_mm
        extent_mm = float(np.ptp(corners @ plane.right)), float(np.ptp(corners @ plane.down))
        self._extents_mm[pane] = extent_mm
        return plane

    def window(self, picture: Picture) -> Window:
        """Return the window of ``picture``."""
        return self.look.windows.get(picture.key) or default_window(picture)

    def set_window(self, picture: Picture, window: Window) -> None:
        """Give the picture (its whole series) another window."""
        self.set(windows={**self.look.windows, picture.key: window})

    def toggle_inverted(self, picture: Picture) -> None:
        """Swap black and white for this picture."""
        self.set(inverted=self.look.inverted ^ {picture.key})

    # --- turning ---------------------------------------------------------------------------

    def turn(self, pane: str, quarters: int) -> None:
        """Turn the picture of one pane clockwise by quarters of a circle, about its middle."""
        plane = self.look.planes[pane]
        right, down = plane.right, plane.down
        for _ in range(quarters % 4):
            right, down = -down, right
        self._set_axes(pane, right, down)

    def flip(self, pane: str) -> None:
        """Mirror left and right of one pane's picture; its letters tell."""
        plane = self.look.planes[pane]
        self._set_axes(pane, -plane.right, plane.down)

    def _set_axes(self, pane: str, right: Floats, down: Floats) -> None:
        plane = self.look.planes[pane]
        turned = Plane.centred(plane.centre_lps_mm, right, down, plane.pixel_mm, plane.size_px)
        self._set_plane(pane, replace(turned, slab_mm=plane.slab_mm))

    def present_as(self, picture: Picture, state: "PresentationState | None") -> None:
        """Show ``picture`` as a saved state asks; None: as it was acquired.

        Turns and displayed areas apply to images as acquired, greys to the whole series.
        """
        from viewer.imaging.softcopy import softcopy_window
        from viewer.rendering.graphics import displayed_area

        self.reset(picture)
        self.set(presentation_uid="" if state is None else state.uid)
        if state is None:
            return
        k = first_named(state, picture)
        window = softcopy_window(state, picture, k)
        if window is not None:
            self.set_window(picture, window)
        if state.inverted != shown_inverted(picture):
            self.toggle_inverted(picture)
        if "acquired" in self.look.planes:
            self.go_to(picture, picture.grid.world((0.0, 0.0, float(k))))
            if state.flipped:
                self.flip("acquired")
            self.turn("acquired", state.rotation_deg // 90)
            self._fill(picture, "acquired", k, displayed_area(state, picture, k))

    def _fill(
        self, picture: Picture, pane: str, k: int, edges: tuple[float, float, float, float]
    ) -> None:
        """Let a part of image ``k``, given in pixel centres, fill a pane."""
        left, top, right, bottom = edges
        plane = self.look.planes[pane]
        ends = [(i, j, k) for i in (left - 0.5, right + 0.5) for j in (top - 0.5, bottom + 0.5)]
        corners = picture.grid.world(ends)
        width, height = plane.size_px
        pixel_mm = max(
            float(np.ptp(corners @ plane.right)) / width,
            float(np.ptp(corners @ plane.down)) / height,
        )
        filled = Plane.centred(
            corners.mean(axis=0), plane.right, plane.down, pixel_mm, plane.size_px
        )
        self._set_plane(pane, filled)

    # --- moving about ----------------------------------------------------------------------

    def _set_plane(self, pane: str, plane: Plane) -> None:
        self.set(planes={**self.look.planes, pane: plane})

    def _towards_next(self, picture: Picture, pane: str) -> float:
        """Return the sign of the next image's direction along the plane's normal.

        A mirrored plane looks from the other side.
        """
        return next_sign(picture.grid, self.look.planes[pane], pane)

    def pan(self, pane: str, dx_px: float, dy_px: float) -> None:
        """Drag the picture of one pane."""
        self._set_plane(pane, self.look.planes[pane].panned(dx_px, dy_px))

    def zoom(self, pane: str, factor: float, about_px: tuple[float, float] | None = None) -> None:
        """Magnify one pane about a pixel (default: its middle)."""
        plane = self.look.planes[pane]
        width, height = plane.size_px
        about = about_px or ((width - 1) / 2, (height - 1) / 2)
        factor = float(np.clip(factor, 0.02 / plane.pixel_mm * 0.05, plane.pixel_mm / 0.002))
        self._set_plane(pane, plane.zoomed(factor, about))

    def scroll(self, picture: Picture, pane: str, notches: int) -> None:
        """Go ``notches`` images further (positive: towards the reader, the next image)."""
        plane = self.look.planes[pane]
        step = slice_step_mm(picture.grid, plane)
        target = plane.moved(self._towards_next(picture, pane) * notches * step)
        centre = clamped_to(picture.grid, target.centre_lps_mm, target)
        self._lay(picture, pane, plane.through(centre))

    def scroll_to(self, picture: Picture, pane: str, fraction: float) -> None:
        """Go to the first (0) .. last (1) image of a pane."""
        plane = self.look.planes[pane]
        low, high = depth_range_mm(picture.grid, plane)
        is_ahead = self._towards_next(picture, pane) > 0
        depth = low + (high - low) * (fraction if is_ahead else 1 - fraction)
        self._lay(picture, pane, plane.moved(depth))

    def go_to(self, picture: Picture, point_lps_mm: ArrayLike, *, only: str = "") -> None:
        """Move the planes (or ``only`` one) through a point, snapped to the images' own places."""
        planes = dict(self.look.planes)
        for pane, plane in planes.items():
            if not only or pane == only:
                planes[pane] = snapped(picture.grid, plane.through(point_lps_mm))
        self.set(planes=planes)

    def cross(self, picture: Picture, point_lps_mm: ArrayLike) -> None:
        """Put the cross-hair somewhere; all panes follow by patient position."""
        point = clamped_into(picture.grid, point_lps_mm)
        self.go_to(picture, point)
        self.set(crosshair_lps_mm=_point(point))

    def _lay(self, picture: Picture, pane: str, plane: Plane) -> None:
        """Show ``plane``, snapped; the cross-hair goes on lying in the pane's plane."""
        plane = snapped(picture.grid, plane)
        point = np.array(self.look.crosshair_lps_mm)
        point -= plane.normal * float((point - plane.origin_lps_mm) @ plane.normal)
        self.set(planes={**self.look.planes, pane: plane}, crosshair_lps_mm=_point(point))


def panes_of(picture: Picture) -> tuple[PaneName, ...]:
    """Return the 2-D panes that may show ``picture``: three planes, or its images as acquired."""
    return PLANES if picture.is_volume else ("acquired",)


def position_of(grid: Grid, plane: Plane, pane: str) -> tuple[int, int]:
    """Return (number, count) of the image that a pane shows, counted as it is scrolled, from 1."""
    low, high = depth_range_mm(grid, plane)
    step = slice_step_mm(grid, plane)
    count = max(1, floor((high - low) / step + 1e-6) + 1)
    from_first = (0.0 - low) if next_sign(grid, plane, pane) > 0 else high
    return min(max(floor(from_first / step + 0.5), 0), count - 1) + 1, count


def next_sign(grid: Grid, plane: Plane, pane: str) -> float:
    """Return the sign of the next image's direction along a plane's normal."""
    if pane == "acquired":
        usual = cross(grid.directions[:, 0], grid.directions[:, 1])
    else:
        right, down = STANDARD_AXES[cast(PlaneName, pane)]
        usual = cross(np.asarray(right), np.asarray(down))
    return _NEXT[pane] if float(plane.normal @ usual) >= 0 else -_NEXT[pane]


def first_named(state: "PresentationState", picture: Picture) -> int:
    """Return the first image that ``state`` names, 0 if it names none of them."""
    from viewer.domain.presentation import refers_to

    for k, instance in enumerate(picture.identity.instances):
        if refers_to(state.references, instance.sop_instance_uid, instance.frame):
            return k
    return 0


def _point(values: ArrayLike) -> tuple[float, float, float]:
    x, y, z = np.asarray(values, dtype=np.float64).tolist()
    return x, y, z
