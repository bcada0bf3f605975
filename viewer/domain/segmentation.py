"""Masks on a grid, and who made them."""

from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from viewer.domain.fractions import Fractions
from viewer.domain.geometry import Grid
from viewer.domain.measurement import Review
from viewer.domain.quantity import Code
from viewer.errors import InputRefused

Labels = NDArray[np.uint8]
Rgb = tuple[int, int, int]

LESION = Code("52988006", "SCT", "Lesion")
MORPHOLOGICALLY_ABNORMAL = Code("49755003", "SCT", "Morphologically Abnormal Structure")


MOST_SEGMENTS = 255  # labels are uint8, and 0 is nothing
OPERATION = "operation"  # the key of a step that changed a segment's shape as a whole


class OriginKind(StrEnum):
    """Who made a segmentation."""

    HAND = "hand"
    METHOD = "method"
    NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Origin:
    """Who made a segmentation, precisely enough to make it again.

    By hand with a ``key``: hands changed a copy of what that network or method made.
    """

    kind: OriginKind
    key: str = ""
    version: str = ""
    sha256: str = ""
    device: str = ""
    elapsed_s: float = 0.0
    parameters: tuple[tuple[str, str], ...] = ()

    @property
    def short(self) -> str:
        """Return "by hand", or the maker's key and version."""
        return "by hand" if self.kind is OriginKind.HAND else f"{self.key} {self.version}".strip()


@dataclass(frozen=True, slots=True)
class Score:
    """A classifier's answer: a probability with its 95 % interval, never bare.

    ``low`` and ``high`` bound the probability as the card's calibration states; ``model`` is key
    and version.
    """

    concept: Code
    value: float
    low: float
    high: float
    model: str

    def __post_init__(self) -> None:
        """Refuse what is no probability."""
        if not 0.0 <= self.low <= self.value <= self.high <= 1.0:
            raise InputRefused("A score must be a probability inside its own interval.")


@dataclass(frozen=True, slots=True)
class Segment:
    """One structure: ``number`` is its value in the label array (1-255).

    ``locked``: its voxels stay as they are, whatever tool, method or operation is used.
    ``fractions`` is how much each voxel belongs, where a method or a file said so. ``steps`` is what
    made the segment, in order: methods with all settings, and hands. ``hatched``: filled in stripes.
    """

    number: int
    name: str
    colour: Rgb
    category: Code = MORPHOLOGICALLY_ABNORMAL
    code: Code = LESION
    visible: bool = True
    opacity: float = 0.3
    outline: bool = True
    review: Review = Review.UNREVIEWED
    tracking_uid: str = ""
    locked: bool = False
    scores: tuple[Score, ...] = ()
    fractions: Fractions | None = None
    steps: tuple[Origin, ...] = ()
    hatched: bool = False

    def __post_init__(self) -> None:
        """Validate number and opacity."""
        if not 1 <= self.number <= 255:
            raise InputRefused("Segments are numbered 1 to 255.")
        if not 0.0 <= self.opacity <= 1.0:
            raise InputRefused("Opacity lies between 0 and 1.")


def refuse_too_many(n_segments: int, where: str = "") -> None:
    """Refuse more segments than one segmentation holds.

    Raises
    ------
    InputRefused
        There are more than 255.
    """
    if n_segments > MOST_SEGMENTS:
        raise InputRefused(
            f"{n_segments} segments are more than {MOST_SEGMENTS}, the most that one segmentation "
            "holds here.",
            where=where,
            remedy="Split the file in the program that made it, or leave out segments there.",
        )


def steps_text(segment: Segment) -> str:
    """Return a segment's steps in words, "1 by hand; 2 region_growing (tolerance 60, ...)"; "" for none."""
    return "; ".join(f"{n} {_step_text(step)}" for n, step in enumerate(segment.steps, start=1))


def _step_text(step: Origin) -> str:
    if step.key == OPERATION:
        return dict(step.parameters).get("what", step.key)
    told = ", ".join(f"{name} {value}" for name, value in step.parameters)
    return f"{step.short} ({told})" if told else step.short


@dataclass(frozen=True, slots=True)
class Segmentation:
    """A label array on a grid with its segments.

    ``labels`` (k, j, i, uint8; 0 = nothing) is the one mutable thing of the domain: owned by the
    session and changed by edits alone; it takes no part in equality. What a network made is
    immutable: editing makes a copy that names its parent.
    """

    uid: str
    name: str
    volume_key: str
    grid: Grid
    labels: Labels = field(compare=False, repr=False)
    segments: tuple[Segment, ...]
    origin: Origin
    parent_uid: str = ""

    def __post_init__(self) -> None:
        """Check that labels fit the grid and numbers are unique."""
        if self.labels.shape != self.grid.shape_kji or self.labels.dtype != np.uint8:
            raise InputRefused("Labels must be uint8 and fit their grid.")
        numbers = [segment.number for segment in self.segments]
        if len(set(numbers)) != len(numbers):
            raise InputRefused("Two segments share one number.")

    @property
    def is_immutable(self) -> bool:
        """Whether this is a network's own result."""
        return self.origin.kind is OriginKind.NETWORK

    def fingerprint(self, number: int) -> str:
        """Return a SHA-256 of the segment's voxels: equal if, and only if, the masks are."""
        digest = sha256()
        for k, plane in enumerate(self.labels):
            mask = plane == number
            if mask.any():
                digest.update(k.to_bytes(4, "little"))
                digest.update(np.packbits(mask).tobytes())
        return digest.hexdigest()

    def segment(self, number: int) -> Segment:
        """Return the segment with this number.

        Raises
        ------
        InputRefused
            There is none.
        """
        for segment in self.segments:
            if segment.number == number:
                return segment
        raise InputRefused(f"There is no segment {number}.", where=self.name)
