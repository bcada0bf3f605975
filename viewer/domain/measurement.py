"""Measurements and what their numbers are made of."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from viewer.domain.quantity import Code, Quantity, Spacing

Point = tuple[float, float, float]  # LPS, mm


class Review(StrEnum):
    """What a person has decided about a result."""

    UNREVIEWED = "unreviewed"
    ACCEPTED = "accepted"
    EDITED = "edited"
    REJECTED = "rejected"


Drawn = Literal["lines", "path", "outline", "rectangle", "ellipse", "dot", "through"]
_MOST = 1000
_LENGTH = Code("410668003", "SCT", "Length")
_LESION = Code("52988006", "SCT", "Lesion")
_NOTE = Code("annotation", "99NEGATO", "Annotation")
_REGION = Code("111099", "DCM", "Selected region")


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table of measurement kinds: engine, tools, painter, SR and CSV read it.

    ``n_points`` is how many points it takes, or the fewest if ``most_points`` is larger. ``drawn``
    is how they are joined: "lines" two by two; a "path"; a closed "outline"; "rectangle" and
    "ellipse" by centre and the ends of two half-sides or half-axes; a "dot"; "through" the slices.
    """

    key: str
    title: str
    n_points: int
    finding: Code
    drawn: Drawn
    most_points: int = 0

    def takes(self, n: int) -> bool:
        """Whether a shape of this kind may have ``n`` points."""
        return self.n_points <= n <= max(self.n_points, self.most_points)

    @property
    def is_annotation(self) -> bool:
        """Whether it says something and measures nothing."""
        return self.finding is _NOTE

    @property
    def is_open_ended(self) -> bool:
        """Whether the hand says when it is complete."""
        return self.most_points > self.n_points


KINDS: dict[str, Kind] = {
    kind.key: kind
    for kind in (
        Kind("distance", "Distance", 2, _LENGTH, "lines"),
        # points: long axis start and end, short axis start and end
        Kind("bidirectional", "Bidirectional", 4, _LESION, "lines"),
        Kind("polyline", "Polyline", 2, _LENGTH, "path", _MOST),
        # points: end, corner, other end
        Kind("angle", "Angle", 3, Code("1483009", "SCT", "Angle"), "path"),
        # points: two ends of one line, two of the other
        Kind("cobb", "Cobb angle", 4, Code("285285000", "SCT", "Cobb angle"), "lines"),
        # points: two ends of the heart's width, two of the chest's
        Kind(
            "cardiothoracic_ratio",
            "Cardiothoracic ratio",
            4,
            Code("cardiothoracic-ratio", "99NEGATO", "Cardiothoracic ratio"),
            "lines",
        ),
        # points: centre, end of the first half-axis, end of the second half-axis
        Kind("ellipse", "Ellipse", 3, _REGION, "ellipse"),
        Kind("rectangle", "Rectangle", 3, _REGION, "rectangle"),
        Kind("polygon", "Polygon", 3, _REGION, "outline", _MOST),
        # Free-hand and live wire: outlines whose points a hand or the picture's edges chose.
        Kind("freehand", "Free-hand region", 3, _REGION, "outline", _MOST),
        Kind("livewire", "Live-wire region", 3, _REGION, "outline", _MOST),
        # points: near the two walls
        Kind("wall_to_wall", "Wall to wall", 2, _LENGTH, "lines"),
        Kind(
            "calcium_score",
            "Calcium score",
            3,
            Code("112058", "DCM", "Calcium score"),
            "outline",
            _MOST,
        ),
        Kind("probe", "Probe", 1, _REGION, "dot"),
        Kind("suv_peak", "SUVpeak", 1, _REGION, "dot"),
        # Annotations: nothing is measured; the label is what they say. An arrow ends at its tip.
        Kind("arrow", "Arrow", 2, _NOTE, "lines"),
        Kind("note", "Note", 1, _NOTE, "dot"),
        # points: the two ends of the longest diameter (3-D)
        Kind("segment", "Segment", 2, _LESION, "through"),
        Kind(
            "segment_calcium",
            "Calcium of a segment",
            0,
            Code("112058", "DCM", "Calcium score"),
            "through",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a number was made of; enough to compute it again.

    ``mask_sha256`` tells the voxels of a measured segment (``Segmentation.fingerprint``), so that
    numbers of a segment that was painted since are known; "" for other shapes and older numbers.
    """

    series_uid: str
    sop_instance_uids: tuple[str, ...]
    n_voxels: int | None
    value_chain: str
    spacing: Spacing
    rule: str
    interpolation: str = "none: stored voxels"
    program: str = ""
    network: str = ""
    mask_sha256: str = ""

    def lines(self) -> tuple[tuple[str, str], ...]:
        """Return (label, text) pairs as a person reads them."""
        source = {
            "": "pixel spacing in the patient",
            "det": "detector spacing, not corrected for magnification",
            "mag": "detector spacing divided by the stated magnification",
            "us": "ultrasound region of this frame",
            "cal": "calibrated by the user",
            "px": "unknown: pixels",
        }[self.spacing.source.value]
        rows = [
            ("Series", self.series_uid),
            ("Images", f"{len(self.sop_instance_uids)}"),
            ("Voxels", "-" if self.n_voxels is None else f"{self.n_voxels}"),
            ("Values", self.value_chain),
            ("Spacing", f"{self.spacing.row_mm:g} x {self.spacing.column_mm:g}, {source}"),
            ("Rule", self.rule),
            ("Interpolation", self.interpolation),
            ("Program", self.program),
        ]
        if self.network:
            rows.append(("Network", self.network))
        return tuple(rows)


@dataclass(frozen=True, slots=True)
class Measurement:
    """A shape in the patient with its quantities. ``uid`` is the tracking unique identifier.

    ``volume_key`` names the picture; ``segment`` is (segmentation uid, segment number) where the
    numbers belong to a segment. ``index`` counts within the session ("Lesion 1").
    """

    uid: str
    kind: str
    label: str
    points_lps_mm: tuple[Point, ...]
    frame_of_reference_uid: str
    volume_key: str
    quantities: tuple[Quantity, ...]
    receipt: Receipt
    review: Review = Review.UNREVIEWED
    segment: tuple[str, int] | None = None

    def quantity(self, concept: Code) -> Quantity | None:
        """Return the quantity of ``concept`` (by value and scheme), or None."""
        for quantity in self.quantities:
            if (quantity.concept.value, quantity.concept.scheme) == (concept.value, concept.scheme):
                return quantity
        return None
