"""Which findings of a network a person has not decided about yet."""

from collections.abc import Sequence

from viewer.domain.measurement import Review
from viewer.domain.segmentation import OriginKind, Segment, Segmentation

UNREVIEWED = "UNREVIEWED"


def from_network(layer: Segmentation) -> bool:
    """Return whether a network drew this layer, or the version that a hand began with."""
    origin = layer.origin
    return origin.kind is OriginKind.NETWORK or (
        origin.kind is OriginKind.HAND and bool(origin.key)
    )


def awaits_review(layer: Segmentation, segment: Segment, parent: Segmentation | None) -> bool:
    """Return whether a network's finding is as the network left it, without a verdict.

    A copy that hands may change counts as decided only where its voxels differ from ``parent``'s:
    to have made the copy is no verdict. Where the parent is gone nothing can be compared, and the
    copy counts as edited.
    """
    if not from_network(layer) or segment.review in (Review.ACCEPTED, Review.REJECTED):
        return False
    if layer.is_immutable:
        return segment.review is Review.UNREVIEWED
    if segment.review is Review.UNREVIEWED:  # drawn into the copy by hand
        return False
    if parent is None or all(s.number != segment.number for s in parent.segments):
        return False
    return layer.fingerprint(segment.number) == parent.fingerprint(segment.number)


def awaiting(layer: Segmentation, layers: Sequence[Segmentation]) -> tuple[Segment, ...]:
    """Return the segments of ``layer`` that await a verdict; empty ones are none."""
    if not from_network(layer):
        return ()
    parent = next((other for other in layers if other.uid == layer.parent_uid), None)
    return tuple(
        segment
        for segment in layer.segments
        if bool((layer.labels == segment.number).any()) and awaits_review(layer, segment, parent)
    )


def is_unreviewed(layer: Segmentation, segment: Segment) -> bool:
    """Return whether files must call this segment UNREVIEWED, judged from the layer alone."""
    return from_network(layer) and segment.review is Review.UNREVIEWED
