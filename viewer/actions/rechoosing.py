"""Which segment is chosen after undo and redo: what came back, or what is left beside what went."""

from collections.abc import Iterator
from contextlib import contextmanager

from viewer.actions.context import Context


@contextmanager
def choosing_what_came(context: Context) -> Iterator[None]:
    """Choose a segment that came with the step; where the chosen one went, one beside it.

    So a stroke can follow an undo or a redo at once. A step that neither brought nor took a segment
    changes nothing of what is chosen.
    """
    look = context.viewing.look
    chosen = (look.segmentation_uid, look.segment_number)
    before = _segments(context)
    yield
    after = _segments(context)
    came = [one for one in after if one not in before]
    if came:
        _choose(context, came[-1])
    elif chosen in before and chosen not in after:
        beside = [one for one in after if one[0] == chosen[0]]
        _choose(context, beside[-1] if beside else ("", 0))


def _segments(context: Context) -> list[tuple[str, int]]:
    """Return (segmentation, number) of all segments on the shown picture."""
    picture = context.picture
    key = "" if picture is None else picture.key
    layers = [s for s in context.session.state.segmentations if s.volume_key == key]
    return [(layer.uid, segment.number) for layer in layers for segment in layer.segments]


def _choose(context: Context, one: tuple[str, int]) -> None:
    uid, number = one
    context.viewing.set(segmentation_uid=uid, segment_number=number)
