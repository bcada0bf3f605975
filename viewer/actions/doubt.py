"""Run a network and show where it doubts: the doubt map, intervals, and the next doubtful place."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from viewer.actions.context import Context, Notice, has_picture
from viewer.actions.networks import Found, run_networks, take_in
from viewer.actions.registry import Choice, action
from viewer.domain.segmentation import Segmentation
from viewer.domain.volume import Picture
from viewer.errors import InputRefused, ViewerError
from viewer.jobs.runner import Job, Outcomes
from viewer.session.value_overlay import overlay_of

if TYPE_CHECKING:
    from viewer.inference.doubt import Doubt

_MARK = "DOUBT OF {title} · entropy over mirrored views"
_LEGEND = "yellow: 0 (sure) to 1 bit (as good as tossed) · says nothing of what was never learned"
_DOUBTFUL = 128  # of 255 levels: half a bit


def _choices(context: Context) -> Sequence[Choice]:
    return [
        Choice(card.title, {"network": key})
        for key, (card, _) in context.cards.items()
        if card.task == "segment" and card.reads == "volume" and card.answers == "mask"
    ]


@action(
    "ai.run_with_doubt",
    "Run a network and show its doubt",
    group="Networks",
    choices=_choices,
    enabled=has_picture,
)
def run_with_doubt(context: Context, *, network: str) -> Job[Found]:
    """Run a network, and see where its answer changes with the view: takes some five times as long."""
    known = [choice.parameters["network"] for choice in _choices(context)]
    if network not in known:
        raise InputRefused(
            f"No doubt can be drawn of a network called {network}.",
            remedy=f"Choose one of: {', '.join(known) or 'none is installed'}.",
        )
    picture = context.need_picture()
    if not picture.is_loaded:
        raise ViewerError("Not all images have been read yet.", remedy="Wait for the reading.")
    card, _folder = context.cards[network]

    def done(found: Found) -> None:
        take_in(context, found, card)
        if found.doubt is not None:
            mark = _MARK.format(title=card.title)
            made = overlay_of("doubt", picture, found.doubt.levels, mark, _LEGEND)
            context.viewing.lay(made)
            for text in interval_texts(found.segmentation, found.doubt):
                context.door.tell(Notice("done", text))

    def cancelled() -> None:
        context.door.tell(Notice("done", f"{card.title} was cancelled; nothing was changed."))

    return context.jobs.submit(
        lambda ticket: run_networks(context, picture, card, ticket, doubt=True),
        Outcomes(done=done, failed=context.tell_fault, cancelled=cancelled),
        key=f"network:{network}",
        title=f"{card.title}, with doubt",
    )


def interval_texts(layer: Segmentation, doubt: "Doubt") -> tuple[str, ...]:
    """Return volume and diameter of each segment with their intervals, and what those are."""
    voxel_mm3 = layer.grid.voxel_volume_mm3
    found = []
    for segment in layer.segments:
        if segment.number > len(doubt.volumes_mm3):
            continue
        own_ml = float((layer.labels == segment.number).sum()) * voxel_mm3 / 1000
        views_ml = doubt.volumes_mm3[segment.number - 1] / 1000
        sizes_mm = doubt.diameters_mm[segment.number - 1]
        own_mm = 2 * np.cbrt(3 * own_ml * 1000 / (4 * np.pi))
        found.append(
            f"{segment.name}: {own_ml:.2f} mL ({views_ml.min():.2f} to {views_ml.max():.2f}),"
            f" as a ball {own_mm:.1f} mm wide ({sizes_mm.min():.1f} to {sizes_mm.max():.1f});"
            f" lowest and highest of {len(views_ml)} mirrored views, no confidence interval."
        )
    return tuple(found)


def _no_doubt(context: Context) -> str:
    overlay = context.viewing.over.get("doubt")
    shown = context.picture
    if overlay is None or shown is None or overlay.volume_key != shown.key:
        return "No doubt map lies on this picture."
    return ""


@action(
    "ai.next_doubt",
    "Next doubtful place",
    group="Networks",
    keys=("Alt+N",),
    enabled=_no_doubt,
)
def next_doubt(context: Context) -> None:
    """Go to the next place of half a bit of doubt or more, the largest first."""
    picture, overlay = context.need_picture(), context.viewing.over["doubt"]
    places = doubtful_places(overlay.layer.labels, picture)
    if not places:
        context.door.tell(Notice("done", "No place is doubtful by half a bit or more."))
        return
    now = np.array(context.viewing.look.crosshair_lps_mm)
    here = [n for n, place in enumerate(places) if np.abs(np.array(place) - now).max() < 1e-3]
    context.viewing.cross(picture, places[(here[0] + 1) % len(places) if here else 0])


def doubtful_places(
    levels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], picture: Picture
) -> list[tuple[float, float, float]]:
    """Return the most doubtful voxel of each doubtful island (LPS mm), the largest island first."""
    from scipy import ndimage

    islands, n_islands = ndimage.label(levels >= _DOUBTFUL, structure=np.ones((3, 3, 3)))
    if not n_islands:
        return []
    sizes = np.bincount(islands.ravel())[1:]
    order = np.argsort(-sizes, kind="stable") + 1
    peaks = ndimage.maximum_position(levels, islands, order)
    points = picture.grid.world(np.array(peaks, dtype=np.float64)[:, ::-1])
    return [(float(x), float(y), float(z)) for x, y, z in points]
