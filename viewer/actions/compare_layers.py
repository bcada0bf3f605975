"""A network's own version beside the one that a hand edited: what was added and what removed."""

from dataclasses import dataclass, replace

import numpy as np

from viewer.actions.context import Context, Notice
from viewer.actions.operating import ml_text
from viewer.actions.registry import action
from viewer.domain.segmentation import Origin, OriginKind, Segment, Segmentation
from viewer.errors import InputRefused
from viewer.imaging.correction import correction
from viewer.jobs.job import Ticket
from viewer.jobs.runner import Job, Outcomes
from viewer.session.edits import AddSegmentation, Edit, Group, RemoveSegmentation
from viewer.session.identifiers import new_uid

_ADDED = (0, 114, 178)
_REMOVED = (213, 94, 0)
_KEY = "difference to the parent"


@dataclass(frozen=True)
class Difference:
    """A layer of added and removed voxels, and the sentence with Dice and volumes."""

    layer: Segmentation
    sentence: str


def has_parent(context: Context) -> str:
    """Return "" when the active segmentation is an edited copy whose parent is there."""
    active = context.segmentation
    if active is None:
        return "No segment is chosen."
    known = {s.uid for s in context.session.state.segmentations}
    return "" if active.parent_uid in known else "This is no edited copy of another layer."


@action(
    "segment.show_changes",
    "Show what was changed by hand",
    group="Segments",
    keys=("Shift+D",),
    enabled=has_parent,
)
def show_changes(context: Context) -> Job[Difference] | None:
    """Show voxels added to and removed from the network's version, with Dice and volume."""
    active, segment = context.need_segment()
    shown = [s for s in context.session.state.segmentations if s.origin.key == _KEY]
    if shown:
        edits: tuple[Edit, ...] = tuple(RemoveSegmentation(s.uid) for s in shown)
        context.session.apply(Group(edits, "hide what was changed by hand"))
        return None
    parent = context.session.state.segmentation(active.parent_uid)
    if parent.grid != active.grid:
        raise InputRefused("The two versions lie on different grids.", where=active.name)
    copy = replace(active, labels=active.labels.copy())

    def work(ticket: Ticket) -> Difference:
        ticket.check()
        return difference(parent, copy, segment)

    def done(found: Difference) -> None:
        context.session.apply(AddSegmentation.of(found.layer, "show what was changed by hand"))
        context.door.tell(Notice("done", found.sentence))

    return context.jobs.submit(
        work, Outcomes(done=done, failed=context.tell_fault), key=_KEY, title="Compare versions"
    )


def difference(parent: Segmentation, edited: Segmentation, segment: Segment) -> Difference:
    """Return what the edited version of one segment has more and less than its parent's."""
    before, after = (layer.labels == segment.number for layer in (parent, edited))
    labels = np.zeros(after.shape, dtype=np.uint8)
    labels[after & ~before] = 1
    labels[before & ~after] = 2
    layer = Segmentation(
        new_uid(),
        f"Changes of {segment.name}",
        edited.volume_key,
        edited.grid,
        labels,
        (Segment(1, "Added by hand", _ADDED), Segment(2, "Removed by hand", _REMOVED)),
        Origin(OriginKind.METHOD, _KEY, "1"),
    )
    voxel_ml = edited.grid.voxel_volume_mm3 / 1000
    n = {"before": before.sum(), "after": after.sum(), "added": (labels == 1).sum()}
    volumes = f"{ml_text(n['before'] * voxel_ml)} to {ml_text(n['after'] * voxel_ml)} mL"
    added, removed = (ml_text(float((labels == at).sum()) * voxel_ml) for at in (1, 2))
    if not (n["before"] or n["after"]):
        return Difference(layer, f"{segment.name} is empty in both versions: no Dice.")
    i_mm, j_mm, k_mm = edited.grid.spacing_ijk_mm
    moved = correction(before, after, (k_mm, j_mm, i_mm))
    surfaces = "no surface distance, since one version is empty"
    if n["before"] and n["after"]:
        surfaces = f"surfaces {moved.mean_mm:.1f} mm apart (95 % within {moved.distance_95_mm:.1f})"
    change = f" ({moved.volume_change:+.0%})".replace("-", "−") if n["before"] else ""
    return Difference(
        layer,
        f"{segment.name}: Dice {moved.dice:.3f}, {volumes}{change}; {surfaces}; "
        f"{added} mL added, {removed} mL removed.",
    )
