"""Who made a segment, in the words of DICOM: by hand, with help, or by an algorithm; and which ones.

A segment is made in steps (``Segment.steps``); where none is recorded, whoever made the whole
segmentation made the segment.
"""

from collections.abc import Sequence
from typing import Literal

from viewer.domain.quantity import Code
from viewer.domain.segmentation import OPERATION, Origin, OriginKind, Segment
from viewer.exchange.dicom_parts import short_text

Generation = Literal["MANUAL", "SEMIAUTOMATIC", "AUTOMATIC"]
GENERATED: dict[OriginKind, Generation] = {
    OriginKind.HAND: "MANUAL",
    OriginKind.METHOD: "SEMIAUTOMATIC",
    OriginKind.NETWORK: "AUTOMATIC",
}
_OPERATIONS = "operations on the segment"
_LO = 64  # PS3.5 table 6.2-1
_MORE = " + ..."
# PS3.16 CID 7162, by the group that a method stands in
_FAMILIES = {
    "Threshold": Code("123105", "DCM", "Histogram Analysis"),
    "Regions": Code("123101", "DCM", "Neighborhood Analysis"),
    "Clusters": Code("123107", "DCM", "Cluster Analysis"),
    "Edges": Code("123103", "DCM", "Edge Detection"),
    "Deformable": Code("123111", "DCM", "Deformable Models"),
}
_MORPHOLOGICAL = Code("123104", "DCM", "Morphological Operations")
_ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")
GROUP = "group"  # the parameter that names a method's group


def steps_of(origin: Origin, segment: Segment) -> tuple[Origin, ...]:
    """Return what made a segment, in order; never empty."""
    if segment.steps:
        return segment.steps
    if origin.kind is OriginKind.HAND and origin.key:
        # hands changed a copy of what this network made
        return Origin(OriginKind.NETWORK, origin.key, origin.version, origin.sha256), origin
    return (origin,)


def generation(origin: Origin, segment: Segment) -> Generation:
    """Return SEG's Segment Algorithm Type, RTSTRUCT's ROI Generation Algorithm (PS3.3 C.8.20.4.1).

    AUTOMATIC is what a network left alone; where hands or methods changed it, or a hand's outline
    was worked on by a method, it is SEMIAUTOMATIC.
    """
    kinds = {step.kind for step in steps_of(origin, segment)}
    return GENERATED[kinds.pop()] if len(kinds) == 1 else "SEMIAUTOMATIC"


def algorithms(origin: Origin, segment: Segment) -> tuple[Origin, ...]:
    """Return the networks and methods that made a segment, in order; () for one drawn by hand.

    Operations on the whole segment are named only where nothing else is an algorithm.
    """
    made = [step for step in steps_of(origin, segment) if step.kind is not OriginKind.HAND]
    named = [step for step in made if step.key != OPERATION]
    return tuple(named or made[:1])


def names_of(found: Sequence[Origin]) -> str:
    """Return the names of algorithms as one LO value, each once: "lesions + threshold"."""
    return _joined([_OPERATIONS if a.key == OPERATION else a.key for a in found]) or "unnamed"


def versions_of(found: Sequence[Origin]) -> str:
    """Return the versions that are known as one LO value, "unknown" where none is."""
    return _joined([a.version for a in found]) or "unknown"


def family_of(found: Sequence[Origin]) -> Code:
    """Return the family (PS3.16 CID 7162) of the first algorithm: the later ones changed its result."""
    first = found[0]
    if first.kind is OriginKind.NETWORK:
        return _ARTIFICIAL_INTELLIGENCE
    return _FAMILIES.get(dict(first.parameters).get(GROUP, ""), _MORPHOLOGICAL)


def _joined(names: Sequence[str]) -> str:
    """Return names as one LO value; those that do not fit are left out at the end, visibly."""
    text = ""
    for name in dict.fromkeys(filter(None, (short_text(name) for name in names))):
        longer = f"{text} + {name}" if text else name
        if len(longer) > _LO - len(_MORE) and text:
            return text + _MORE
        text = longer
    return text
