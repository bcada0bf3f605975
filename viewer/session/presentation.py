"""What one pane shows: session, look and picture become pixels and primitives.

Window, captures and ``negatoscope render`` share this one path. It knows no toolkit.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from viewer.domain.calibration import Calibration
from viewer.domain.chain import Chain
from viewer.domain.geometry import Plane
from viewer.domain.graphics import Shutter
from viewer.domain.measurement import Review
from viewer.domain.methods import Filter
from viewer.domain.segmentation import Segmentation
from viewer.domain.volume import Picture
from viewer.imaging.derived import TITLE
from viewer.imaging.section import Section, label_section, section
from viewer.imaging.superposed import overlay_labels, shutter_at, shuttered
from viewer.imaging.value_chain import shown_inverted
from viewer.rendering.annotate import Mark
from viewer.rendering.compose import Layer, Raster, compose
from viewer.rendering.corners import value_text
from viewer.rendering.outlines import Outline, outlines_of
from viewer.rendering.pane import PaneInfo, pane_primitives
from viewer.rendering.primitives import Primitive
from viewer.rendering.shapes import half_slice_mm
from viewer.session.enhanced_view import EnhancedView, enhanced_view
from viewer.session.enhancer import Enhancer, Shown
from viewer.session.figures import SegmentFigures, outdated
from viewer.session.kept import Kept
from viewer.session.session import Session
from viewer.session.strip import strip_of
from viewer.session.value_overlay import over_section
from viewer.session.viewing import Look, Viewing, position_of

# Late: few studies come with a presentation state, and the first picture waits for none.
if TYPE_CHECKING:
    from viewer.domain.presentation import PresentationState


@dataclass(frozen=True, eq=False)
class PresentedPane:
    """What is painted: pixels, primitives, and how the plane was enhanced (None: not at all)."""

    raster: Raster
    primitives: tuple[Primitive, ...]
    section: Section
    enhanced: Shown | None = None

    @property
    def enhance_ms(self) -> float:
        """How long the chain took, 0 where there is none."""
        return 0.0 if self.enhanced is None else self.enhanced.elapsed_ms


@dataclass(frozen=True, eq=False)
class _LabelledCut:
    """A segmentation on a section: labels (h, w), how they are filled, and their outlines."""

    values: NDArray[np.uint8]
    layer: Layer
    outlines: tuple[Outline, ...]


class Presenter:
    """Composes panes for one session and one look."""

    def __init__(
        self,
        session: Session,
        viewing: Viewing,
        filters: Mapping[str, Filter],
        enhancer: Enhancer | None = None,
    ) -> None:
        self._session, self._viewing, self._filters = session, viewing, filters
        self.enhancer = enhancer or Enhancer(filters)
        self._kept: defaultdict[str, Kept] = defaultdict(Kept)
        self._outdated: tuple[int, frozenset[str]] = (-1, frozenset())
        self.last: Shown | None = None
        self.told: Callable[[], None] = lambda: None

    def present(
        self,
        picture: Picture,
        pane: str,
        *,
        cursor_px: tuple[float, float] | None = None,
        preview: tuple[Primitive, ...] = (),
        original: bool = False,
    ) -> PresentedPane:
        """Return what ``pane`` shows of ``picture`` now.

        ``cursor_px`` is where the pointer is in this pane; ``preview`` is drawn on top.
        ``original`` leaves the enhancement out, for the view beside the enhanced one.
        """
        look = self._viewing.look
        plane = look.planes[pane]
        chain = self._session.state.chain(picture.key).active
        if look.original or original:
            chain = Chain()
        kept = self._kept[f"{pane} original" if original else pane]
        cut = _cut(kept, picture, plane, is_native=chain.is_active)
        state = self._state(picture, cut)
        shutter = (state and state.shutter) or shutter_at(picture, cut)
        split_x = None if original else self._split_x(picture, look, plane)
        if look.shutter_shown and shutter is not None:
            whole = cut
            cut = kept.get(
                "shutter", (whole,), (shutter,), lambda: shuttered(picture, whole, shutter)
            )
        view = enhanced_view(
            self.enhancer,
            self._filters,
            picture,
            (pane, plane),
            cut,
            chain,
            compare=look.compare,
            split_x=split_x,
            is_masked=look.shutter_shown and shutter is not None,
        )
        self._note(view.shown, pane, is_original=original)
        layers = self._layers(picture)
        labels = [self._labels(kept, layer, plane, cut) for layer in layers]
        split_x = split_x if view.split else None
        over, over_marks = over_section(kept, self._viewing.over, picture, plane, cut)
        overlays = (*self._overlays(kept, picture, cut, state), *over)
        raster = self._raster(kept, picture, view, overlays, labels, split_x)
        info = self._info(picture, pane, cursor_px)
        info = replace(
            info,
            outlines=tuple(outline for found in labels for outline in found.outlines),
            marks=(
                *self._marks(picture, cut, info.calibration),
                *_compared(original),
                *view.marks,
                *_state_marks(state, shutter, look),
                *_review_marks(layers),
                *over_marks,
            ),
            split_x=split_x,
            window=view.window or (None if picture.is_colour else self._viewing.window(picture)),
        )
        primitives = (
            *self._drawn(picture, plane, cut, state),
            *pane_primitives(info),
            *self._seeds(picture, plane),
            *preview,
        )
        kept.sweep()
        return PresentedPane(raster, primitives, cut, view.shown)

    def forget(self) -> None:
        """Let go of all that was shown: the study was closed."""
        self._kept.clear()

    def _labels(
        self, kept: Kept, layer: Segmentation, plane: Plane, cut: Section
    ) -> "_LabelledCut":
        """Return a segmentation's labels on ``cut``, and their outlines."""

        def make() -> _LabelledCut:
            values = label_section(layer, plane, cut)
            return _LabelledCut(
                values, Layer.of(values, layer.segments), outlines_of(values, cut, layer)
            )

        revision = self._session.label_revision(layer.uid)
        return kept.get(("labels", layer.uid), (layer, plane, cut), (revision,), make)

    def _raster(
        self,
        kept: Kept,
        picture: Picture,
        view: EnhancedView,
        overlays: tuple[Layer, ...],
        labels: Sequence["_LabelledCut"],
        split_x: float | None,
    ) -> Raster:
        """Return the pixels: values through the window, files' overlays, then segments."""
        is_inverted = shown_inverted(picture) != (picture.key in self._viewing.look.inverted)
        inverted = view.palette == "grey" and is_inverted
        window = view.window or self._viewing.window(picture)
        layers = (*overlays, *(found.layer for found in labels))
        return kept.get(
            "raster",
            (picture, view.cut, view.values, window.table, *layers),
            (window.center, window.width, window.function, inverted, view.palette, split_x),
            lambda: compose(
                view.cut,
                picture,
                window,
                inverted=inverted,
                layers=layers,
                palette=view.palette,
                enhanced=view.values,
                split_x=split_x,
            ),
        )

    def _drawn(
        self, picture: Picture, plane: Plane, cut: Section, state: "PresentationState | None"
    ) -> tuple[Primitive, ...]:
        """Return what a saved state draws on the image."""
        if state is None or cut.k is None or not self._viewing.look.overlays_shown:
            return ()
        from viewer.rendering.graphics import graphic_primitives

        return graphic_primitives(state, picture, plane, cut.k)

    def _seeds(self, picture: Picture, plane: Plane) -> Iterable[Primitive]:
        """Return the seeds of the method that is being tried."""
        draft = self._viewing.draft
        if draft is None or draft.volume_key != picture.key:
            return ()
        return draft.seed_handles(plane, half_slice_mm(picture.grid, plane))

    def _note(self, shown: Shown | None, pane: str, *, is_original: bool) -> None:
        """Keep what the active pane shows for the panel, and tell if it is another result."""
        if is_original or pane != self._viewing.look.active_pane or self._viewing.look.original:
            return
        exact = shown if shown is not None and shown.state == "exact" else None
        before = self.last.values if self.last is not None else None
        self.last = exact
        if (None if exact is None else exact.values) is not before:
            self.told()

    def _state(self, picture: Picture, cut: Section) -> "PresentationState | None":
        """Return the presentation state that is applied to the image of ``cut``."""
        state = self._viewing.presentations.get(self._viewing.look.presentation_uid)
        if state is None or cut.k is None:
            return None
        from viewer.domain.presentation import refers_to

        instance = picture.identity.instances[cut.k]
        named = refers_to(state.references, instance.sop_instance_uid, instance.frame)
        return state if named else None

    def _overlays(
        self, kept: Kept, picture: Picture, cut: Section, state: "PresentationState | None"
    ) -> tuple[Layer, ...]:
        """Return the bitmaps of file and state as a layer below all segments."""
        if not self._viewing.look.overlays_shown:
            return ()

        def make() -> tuple[Layer, ...]:
            found = overlay_labels(picture, cut, state.overlays if state else ())
            return () if found is None else (Layer.bitmap(found),)

        return kept.get("overlays", (picture, cut, state), (), make)

    def _layers(self, picture: Picture) -> list[Segmentation]:
        if not self._viewing.look.segments_shown:
            return []
        draft = self._viewing.draft
        tried = [draft.layer] if draft is not None and draft.layer is not None else []
        return [
            layer
            for layer in (*self._session.state.segmentations, *tried)
            if layer.volume_key == picture.key and any(s.visible for s in layer.segments)
        ]

    def _info(self, picture: Picture, pane: str, cursor_px: tuple[float, float] | None) -> PaneInfo:
        look = self._viewing.look
        plane = look.planes[pane]
        others = {name: other for name, other in look.planes.items() if name != pane}
        value = ""
        if cursor_px is not None:
            value = value_text(picture, plane.world(cursor_px))
        image = position_of(picture.grid, plane, pane)
        return PaneInfo(
            picture=picture,
            plane=plane,
            plane_name=pane,
            window=None if picture.is_colour else self._viewing.window(picture),
            zoom=picture.grid.spacing_ijk_mm[0] / plane.pixel_mm,
            image=image,
            strip=strip_of(picture, plane, pane, image),
            value_text=value,
            point_lps_mm=look.crosshair_lps_mm if look.crosshair_shown and others else None,
            others=others,
            measurements=tuple(
                m for m in self._session.state.measurements if m.volume_key == picture.key
            ),
            selected_uid=look.selected_uid,
            outdated=self._outdated_now(),
            corners=look.corners,
            calibration=self._calibration(picture, plane),
            brief=pane in ("coronal", "sagittal") and not look.enlarged,
        )

    def _calibration(self, picture: Picture, plane: Plane) -> Calibration | None:
        """Return what was said by hand about the size of the shown image."""
        found = self._session.state.calibrations_of(picture.key)
        if not found:
            return None
        from viewer.imaging.measuring import calibration_at

        return calibration_at(plane.centre_lps_mm[None], picture, found)

    def _outdated_now(self) -> frozenset[str]:
        """Return which numbers belong to segments that were painted since; once a change."""
        revision = self._session.revision
        if self._outdated[0] != revision:
            state = self._session.state
            found = outdated(state.measurements, state.segmentations, SegmentFigures())
            self._outdated = (revision, found)
        return self._outdated[1]

    def _split_x(self, picture: Picture, look: Look, plane: Plane) -> float | None:
        if look.split is None or not self._session.state.chain(picture.key).is_active:
            return None
        return look.split * plane.size_px[0]

    def _marks(
        self, picture: Picture, cut: Section, calibration: Calibration | None
    ) -> tuple[Mark, ...]:
        found = []
        n_read, n_slices = int(picture.loaded_k.sum()), len(picture.loaded_k)
        if n_read < n_slices:
            found.append(Mark(f"INCOMPLETE {n_read}/{n_slices}", "warning"))
        lossy = picture.identity.acquired_text("lossy")
        if lossy:
            found.append(Mark(f"LOSSY {lossy}", "danger"))
        if picture.is_unsafe:
            found.append(Mark("GEOMETRY NOT SAFE", "danger"))
        if picture.identity.acquired_text("resampled") or (
            cut.axes is None and picture.is_volume and not picture.grid.is_orthogonal
        ):
            # The slices of a tilted gantry lie askew: what is shown is none of them.
            found.append(Mark("RESAMPLED", "warning"))
        if calibration is not None:
            found.append(Mark(f"CALIBRATED BY HAND  {calibration.known_mm:g} mm", "warning"))
        elif not picture.spacing.is_known:
            found.append(Mark("UNCALIBRATED", "warning"))
        made = picture.identity.acquired_text(TITLE)
        if made:
            found.append(Mark(f"ENHANCED SERIES  {made}", "enhanced"))
        return tuple(found)


def _cut(kept: Kept, picture: Picture, plane: Plane, *, is_native: bool) -> Section:
    """Return the section of a pane, the one of the last frame if it would be the same."""
    n_read = int(picture.loaded_k.sum())  # voxels come while they are shown
    return kept.get(
        "cut",
        (picture, plane),
        (is_native, n_read),
        lambda: section(picture, plane, native=is_native),
    )


def _compared(original: bool) -> Iterator[Mark]:
    """Yield the mark of the view beside the enhanced one."""
    if original:
        yield Mark("ORIGINAL", "plain")


def _state_marks(
    state: "PresentationState | None", shutter: Shutter | None, look: Look
) -> Iterator[Mark]:
    """Yield what is to be said of how the file, or a saved state, asks to show an image."""
    if state is not None:
        yield Mark(f"STATE {state.label}", "plain")
    if shutter is not None:
        shown = look.shutter_shown
        yield Mark("SHUTTER" if shown else "SHUTTER OFF", "plain" if shown else "warning")


def _review_marks(layers: Iterable[Segmentation]) -> Iterator[Mark]:
    """Yield the marks of networks' results that nobody has looked at."""
    for layer in layers:
        reviews = {segment.review for segment in layer.segments if segment.visible}
        if layer.is_immutable and Review.UNREVIEWED in reviews:
            yield Mark(f"AI {layer.origin.short} · unreviewed", "ai")
