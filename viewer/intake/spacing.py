"""How large a pixel of a flat image is, and how that came to be known (PS3.3 10.7)."""

from collections.abc import Sequence
from math import isfinite

from viewer.domain.finding import Finding, Severity
from viewer.domain.geometry import orientation_letters
from viewer.domain.quantity import PIXELS_ONLY, Spacing, SpacingSource
from viewer.domain.scale_region import ScaleRegion
from viewer.errors import InputRefused
from viewer.intake import tags
from viewer.intake.frames import FLAT_MODALITIES, Frame
from viewer.intake.header import Elements, Header

_CENTIMETRES = 3
_TISSUE = 1
_SQUARE = 1e-3  # pixels count as square within a thousandth
_US = frozenset(("US", "IVUS"))


def flat_spacing(frame: Frame, subject: str) -> tuple[Spacing, tuple[Finding, ...]]:
    """Return the pixel spacing of images that form no grid, with its source."""
    if frame.place is not None:
        place = frame.place
        return Spacing(place.row_mm, place.column_mm, SpacingSource.PATIENT), ()
    header = frame.header
    if frame.is_mosaic:
        return PIXELS_ONLY, ()
    if tags.US_REGION_SEQUENCE in header:
        return _ultrasound(header, subject)
    found = _projection(header) if _is_projection(header) else _patient(header)
    return (found or _aspect(header)), ()


def _is_projection(header: Header) -> bool:
    return header.text(tags.MODALITY) in FLAT_MODALITIES - _US


def _pair(
    elements: Elements, tag: int, source: SpacingSource, scale: float = 1.0
) -> Spacing | None:
    values = elements.numbers(tag)
    if len(values) < 2:
        return None
    try:
        return Spacing(values[0] / scale, values[1] / scale, source)
    except InputRefused:
        return None


def _patient(header: Header) -> Spacing | None:
    own = header if tags.PIXEL_SPACING in header else _shared_measures(header)
    return _pair(own, tags.PIXEL_SPACING, SpacingSource.PATIENT)


def _shared_measures(header: Header) -> Elements:
    return header.first(tags.SHARED_GROUPS).first(tags.PIXEL_MEASURES_SEQUENCE)


def _projection(header: Header) -> Spacing | None:
    """Return body spacing only where the file says so: else it holds at the detector."""
    imager = header.numbers(tags.IMAGER_PIXEL_SPACING)
    pixel = header.numbers(tags.PIXEL_SPACING)
    is_calibrated = bool(header.text(tags.SPACING_CALIBRATION_TYPE))
    if pixel and (is_calibrated or (imager and pixel != imager)):
        return _pair(header, tags.PIXEL_SPACING, SpacingSource.PATIENT)
    tag = next(
        (
            tag
            for tag in (
                tags.IMAGER_PIXEL_SPACING,
                tags.PIXEL_SPACING,
                tags.NOMINAL_SCANNED_PIXEL_SPACING,
            )
            if header.numbers(tag)
        ),
        tags.IMAGER_PIXEL_SPACING,
    )
    factor = header.number(tags.ESTIMATED_MAGNIFICATION)
    if factor is not None and factor >= 1 and tag == tags.IMAGER_PIXEL_SPACING:
        return _pair(header, tag, SpacingSource.MAGNIFIED, factor)
    return _pair(header, tag, SpacingSource.DETECTOR)


def _ultrasound(header: Header, subject: str) -> tuple[Spacing, tuple[Finding, ...]]:
    """Return the scale of the only region; several regions have no common one (field.md 2.11)."""
    regions = header.items(tags.US_REGION_SEQUENCE)
    if len(regions) != 1:
        text = (
            f"{len(regions)} regions with scales of their own: lengths are given within one of "
            "them, in pixels where it has no scale."
        )
        return PIXELS_ONLY, (Finding(Severity.NOTE, subject, text),)
    (region,) = regions
    units = (region.short(tags.PHYSICAL_UNITS_X), region.short(tags.PHYSICAL_UNITS_Y))
    across = region.binary(tags.PHYSICAL_DELTA_X, "d")
    down = region.binary(tags.PHYSICAL_DELTA_Y, "d")
    is_tissue = region.short(tags.REGION_SPATIAL_FORMAT) in (_TISSUE, None)
    if units != (_CENTIMETRES, _CENTIMETRES) or not across or not down or not is_tissue:
        return PIXELS_ONLY, ()
    try:
        spacing = Spacing(abs(down[0]) * 10, abs(across[0]) * 10, SpacingSource.REGION)
    except InputRefused:
        return PIXELS_ONLY, ()
    text = "Lengths hold inside the ultrasound region only."
    return spacing, () if _covers(region, header) else (Finding(Severity.NOTE, subject, text),)


def flat_regions(frames: Sequence[Frame]) -> tuple[tuple[ScaleRegion, ...], ...]:
    """Return the ultrasound regions of each frame where they decide what a length is; else ()."""
    seen: dict[int, tuple[ScaleRegion, ...]] = {}
    for frame in frames:
        if id(frame.header) not in seen:
            seen[id(frame.header)] = _regions(frame.header)
    found = tuple(seen[id(frame.header)] for frame in frames)
    return found if any(found) else ()


def _regions(header: Header) -> tuple[ScaleRegion, ...]:
    regions = header.items(tags.US_REGION_SEQUENCE)
    if not regions or (len(regions) == 1 and _covers(regions[0], header)):
        return ()
    found = []
    for region in regions:
        edges = _edges(region)
        if edges is not None:
            # One region has given the picture its spacing already.
            scale = _square_scale(region) if len(regions) > 1 else None
            found.append(ScaleRegion(*edges, scale))
    return tuple(found)


def _square_scale(region: Elements) -> float | None:
    """Return millimetres a pixel of a tissue region with square pixels, None for all others."""
    units = (region.short(tags.PHYSICAL_UNITS_X), region.short(tags.PHYSICAL_UNITS_Y))
    across = region.binary(tags.PHYSICAL_DELTA_X, "d")
    down = region.binary(tags.PHYSICAL_DELTA_Y, "d")
    is_tissue = region.short(tags.REGION_SPATIAL_FORMAT) in (_TISSUE, None)
    if units != (_CENTIMETRES, _CENTIMETRES) or not across or not down or not is_tissue:
        return None
    size = abs(across[0])
    is_square = size > 0 and abs(abs(down[0]) - size) <= _SQUARE * size
    return size * 10 if is_square and isfinite(size) else None


def _covers(region: Elements, header: Header) -> bool:
    edges = _edges(region)
    if edges is None:
        return False
    left, top, right, bottom = edges
    columns, rows = header.short(tags.COLUMNS) or 0, header.short(tags.ROWS) or 0
    return left <= 0 and top <= 0 and right >= columns - 1 and bottom >= rows - 1


def _edges(region: Elements) -> tuple[int, int, int, int] | None:
    """Return the first and last columns and rows: left, top, right, bottom."""
    found = [
        region.binary(tag, "L")
        for tag in (
            tags.REGION_MIN_X0,
            tags.REGION_MIN_Y0,
            tags.REGION_MAX_X1,
            tags.REGION_MAX_Y1,
        )
    ]
    if not all(found):
        return None
    left, top, right, bottom = (int(edge[0]) for edge in found if edge)
    return left, top, right, bottom


def _aspect(header: Header) -> Spacing:
    """Return square pixels, or pixels of the file's aspect ratio (vertical : horizontal)."""
    ratio = header.numbers(tags.PIXEL_ASPECT_RATIO)
    if len(ratio) == 2 and min(ratio) > 0 and ratio[0] != ratio[1]:
        return Spacing(ratio[0] / ratio[1], 1.0, SpacingSource.NONE)
    return PIXELS_ONLY


def flat_orientation(frames: tuple[Frame, ...]) -> tuple[str, str] | None:
    """Return where the rows and columns of a stack point, if that is the same for all frames."""
    places = {
        (frame.place.along_row, frame.place.along_column) if frame.place else None
        for frame in frames
    }
    if len(places) == 1 and (axes := next(iter(places))) is not None:
        return orientation_letters(axes[0]), orientation_letters(axes[1])
    texts = {frame.header.texts(tags.PATIENT_ORIENTATION) for frame in frames}
    only = texts.pop() if len(texts) == 1 else ()
    return (only[0], only[1]) if len(only) == 2 and all(only) else None
