"""Measurements and what their numbers are made of."""

from dataclasses import dataclass
from enum import StrEnum

from viewer.domain.quantity import Code, Quantity, Spacing

Point = tuple[float, float, float]  # LPS, mm


class Review(StrEnum):
    """What a person has decided about a result."""

    UNREVIEWED = "unreviewed"
    ACCEPTED = "accepted"
    EDITED = "edited"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table of measurement kinds: tools, painter, SR and CSV read it."""

    key: str
    title: str
    n_points: int
    finding: Code


KINDS: dict[str, Kind] = {
    kind.key: kind
    for kind in (
        Kind("distance", "Distance", 2, Code("410668003", "SCT", "Length")),
        # points: long axis start and end, short axis start and end
        Kind("bidirectional", "Bidirectional", 4, Code("52988006", "SCT", "Lesion")),
        # points: centre, end of the first half-axis, end of the second half-axis
        Kind("ellipse", "Ellipse", 3, Code("111099", "DCM", "Selected region")),
        # points: the two ends of the longest diameter (3-D)
        Kind("segment", "Segment", 2, Code("52988006", "SCT", "Lesion")),
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
