"""From one finding that awaits a verdict to the next."""

from collections.abc import Iterator

from viewer.actions.context import Context, Notice
from viewer.actions.networks import choose_segment
from viewer.actions.registry import action
from viewer.domain.segmentation import Segment, Segmentation
from viewer.domain.supervision import awaiting, from_network


def undecided(context: Context) -> Iterator[tuple[Segmentation, Segment]]:
    """Yield the shown picture's findings that await a verdict.

    Those of a network's own version are not counted where an edited copy of it exists: the copy is
    what the reader decides about.
    """
    picture = context.picture
    if picture is None:
        return
    layers = context.session.state.segmentations
    copied = {layer.parent_uid for layer in layers}
    for layer in layers:
        if layer.volume_key == picture.key and layer.uid not in copied:
            for segment in awaiting(layer, layers):
                yield layer, segment


def _no_network_here(context: Context) -> str:
    # Whether something is left takes a look at every voxel: too long for each opening of a menu.
    picture = context.picture
    layers = context.session.state.segmentations
    if any(s.volume_key == picture.key and from_network(s) for s in layers if picture is not None):
        return ""
    return "No network has found anything here."


@action(
    "ai.next_unreviewed",
    "Next finding to review",
    group="Networks",
    keys=("Shift+J",),
    enabled=_no_network_here,
)
def next_unreviewed(context: Context) -> None:
    """Go to the next finding of a network that nobody has accepted, edited or rejected."""
    left = [(layer.uid, segment.number) for layer, segment in undecided(context)]
    if not left:
        context.door.tell(Notice("done", "Every finding of a network here has been reviewed."))
        return
    look = context.viewing.look
    order = [(s.uid, x.number) for s in context.session.state.segmentations for x in s.segments]
    here = (look.segmentation_uid, look.segment_number)
    at = order.index(here) if here in order else -1
    uid, number = next((place for place in left if order.index(place) > at), left[0])
    choose_segment(context, uid=uid, number=number)
