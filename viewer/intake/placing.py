"""The grid that frames in slice order form, or why they form none."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from viewer.domain.finding import Finding, Severity
from viewer.domain.geometry import Floats, Grid
from viewer.domain.uneven import SlicePlaces
from viewer.errors import InputRefused
from viewer.intake.frames import Frame, Place, Vector
from viewer.intake.limits import MAX_VOXEL_MM, POSITION_FLOOR_MM, POSITION_TOLERANCE

_TILT_DEGREES = 0.1
_AS_ACQUIRED = "They are shown as acquired, without other planes."


def grid_of(frames: Sequence[Frame], subject: str) -> tuple[Grid | None, tuple[Finding, ...]]:
    """Return the grid (k along the normal) and what is to be said about it.

    None when there is a single frame, or when the positions are uneven by more than 1 % of the
    spacing (field.md 2.4); lateral drift makes a sheared grid (gantry tilt), which is told.
    """
    places = [frame.place for frame in frames if frame.place is not None]
    if len(places) < 2 or len(places) < len(frames):
        return None, ()
    positions = np.array([place.position for place in places])
    if np.ptp(positions, axis=0).max() < POSITION_FLOOR_MM:
        text = "All images lie at the same place; they are shown one after the other."
        return None, (Finding(Severity.NOTE, subject, text),)
    step = (positions[-1] - positions[0]) / (len(positions) - 1)
    fitted = positions[0] + np.arange(len(positions))[:, None] * step
    off_mm = float(np.linalg.norm(positions - fitted, axis=1).max())
    if off_mm > max(POSITION_TOLERANCE * float(np.linalg.norm(step)), POSITION_FLOOR_MM):
        return None, (_uneven(positions, _normal(places[0]), subject),)
    try:
        grid = Grid(_shape(frames), _affine(places[0], positions[0], step))
    except InputRefused as refusal:
        return None, (_finding(subject, f"The positions make no grid: {refusal.what}"),)
    if max(grid.spacing_ijk_mm) > MAX_VOXEL_MM:
        return None, (_finding(subject, "The images lie more than a metre apart."),)
    return grid, _tilt(grid, subject)


def uneven_places(frames: Sequence[Frame]) -> SlicePlaces | None:
    """Return where parallel slices lie that ``grid_of`` found to be uneven.

    None unless they follow each other along their common normal, without drifting aside.
    """
    places = [frame.place for frame in frames if frame.place is not None]
    if len(places) < 3 or len(places) < len(frames):
        return None
    first = places[0]
    normal = _normal(first)
    shifts = np.array([place.position for place in places]) - np.array(first.position)
    depths = shifts @ normal
    aside_mm = np.linalg.norm(shifts - depths[:, None] * normal, axis=1).max()
    if np.diff(depths).min() < POSITION_FLOOR_MM or aside_mm > max(
        POSITION_TOLERANCE * first.column_mm, POSITION_FLOOR_MM
    ):
        return None
    return SlicePlaces(
        first.position,
        _vector(np.array(first.along_row) * first.column_mm),
        _vector(np.array(first.along_column) * first.row_mm),
        _vector(normal),
        tuple(float(depth) for depth in depths),
    )


def _vector(values: Floats) -> Vector:
    x, y, z = values.tolist()
    return x, y, z


def _shape(frames: Sequence[Frame]) -> tuple[int, int, int]:
    layout = frames[0].file.layout
    return len(frames), layout.rows, layout.columns


def _normal(place: Place) -> Floats:
    return np.asarray(np.cross(place.along_row, place.along_column))


def _affine(place: Place, origin: Floats, step: Floats) -> Floats:
    affine = np.eye(4)
    affine[:3, 0] = np.array(place.along_row) * place.column_mm
    affine[:3, 1] = np.array(place.along_column) * place.row_mm
    affine[:3, 2] = step
    affine[:3, 3] = origin
    return affine


def _tilt(grid: Grid, subject: str) -> tuple[Finding, ...]:
    normal = np.cross(grid.directions[:, 0], grid.directions[:, 1])
    cosine = abs(float(normal @ grid.directions[:, 2]))
    degrees = float(np.degrees(np.arccos(min(cosine, 1.0))))
    if degrees < _TILT_DEGREES:
        return ()
    text = (
        f"The slices are sheared by {degrees:.1f}° (tilted gantry); the geometry accounts for it."
    )
    return (Finding(Severity.WARNING, subject, text),)


def _uneven(positions: Floats, normal: Floats, subject: str) -> Finding:
    """Name the gaps, or how uneven the spacing is."""
    steps = np.diff(positions @ normal)
    base = float(np.median(steps))
    multiples = steps / max(base, 1e-9)
    missing = np.rint(multiples).astype(int) - 1
    whole = np.abs(multiples - np.rint(multiples)).max() < 3 * POSITION_TOLERANCE
    if whole and (missing >= 0).all() and missing.any():
        after = int(np.argmax(missing > 0)) + 1
        count = int(missing.sum())
        images = "slice is" if count == 1 else "slices are"
        text = f"{count} {images} missing, the first after slice {after}."
        return _finding(subject, text, _around(missing > 0))
    low, high = float(steps.min()), float(steps.max())
    if high - low > POSITION_TOLERANCE * abs(base):
        odd = np.abs(steps - base) > POSITION_TOLERANCE * abs(base)
        return _finding(subject, f"The slices are {low:.2f} to {high:.2f} mm apart.", _around(odd))
    return _finding(subject, "The slices are shifted against each other unevenly.")


def _around(steps: NDArray[np.bool_]) -> tuple[int, ...]:
    """Return the slices on both sides of the steps that are marked."""
    before = np.flatnonzero(steps)
    return tuple(sorted({*before.tolist(), *(before + 1).tolist()}))


def _finding(subject: str, text: str, images: tuple[int, ...] = ()) -> Finding:
    return Finding(Severity.UNSAFE, subject, f"{text} {_AS_ACQUIRED}", images=images)
