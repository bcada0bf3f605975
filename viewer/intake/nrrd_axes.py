"""Which axes of an NRRD file lie in space, and where they point."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot, prod

import numpy as np

from viewer.domain.finding import Severity
from viewer.domain.geometry import Floats
from viewer.domain.quantity import PIXELS_ONLY, Spacing, SpacingSource
from viewer.errors import Damaged, Unsupported
from viewer.intake.described import EXPORT_AGAIN, UNKNOWN_SIDES, no_size

Remarks = tuple[tuple[Severity, str], ...]

_MAX_AXES = 16  # NRRD_DIM_MAX
_VECTOR = re.compile(r"\(([^()]*)\)|none", re.IGNORECASE)
_WORDS = re.compile(r'"([^"]*)"|(\S+)')
_TO_LPS = {
    "left-posterior-superior": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "lps": (1, 1, 1),
    "ras": (-1, -1, 1),
    "las": (1, -1, 1),
}
_MM = {"mm": 1.0, "millimeter": 1.0, "millimeters": 1.0, "cm": 10.0, "m": 1000.0, "um": 1e-3}
_IN_SPACE = frozenset(("domain", "space"))
_UNSAID = frozenset(("", "???", "none"))
_NO_ORIGIN = (
    Severity.WARNING,
    "The file does not say where it lies in the patient; its first voxel is put at the origin.",
)


@dataclass(frozen=True, slots=True)
class Axes:
    """Axes by their meaning.

    ``in_space`` are the numbers of two or three axes, the fastest first; ``n_more`` values, of
    ``kind`` (in small letters), are there for each voxel: next to each other if ``is_interleaved``,
    else as one volume after the other.
    """

    in_space: tuple[int, ...]
    shape_kji: tuple[int, int, int]
    n_more: int = 1
    kind: str = ""
    is_interleaved: bool = False


def axes_of(fields: Mapping[str, str]) -> Axes:
    """Return the axes.

    Raises
    ------
    Damaged
        The number of axes and their sizes do not fit each other.
    Unsupported
        More than one axis is not in space, or one lies between axes in space.
    ValueError
        A number cannot be read.
    """
    sizes = [int(size) for size in fields.get("sizes", "").split()]
    if not sizes or len(sizes) != int(fields.get("dimension", "0")) or min(sizes) < 1:
        raise no_size("NRRD")
    if len(sizes) > _MAX_AXES:
        raise no_size("NRRD")
    kinds = _per_axis(fields.get("kinds", "").lower(), len(sizes))
    in_space = _in_space(fields, sizes, kinds)
    more = [n for n in range(len(sizes)) if n not in in_space and sizes[n] > 1]
    if len(in_space) not in (2, 3) or len(more) > 1:
        raise Unsupported(
            f"NRRD images with {len(sizes)} axes of these kinds are not read.", remedy=EXPORT_AGAIN
        )
    shape = tuple(sizes[n] for n in reversed(in_space))
    n_more = prod(sizes[n] for n in more)
    kind = kinds[more[0]] if more else ""
    is_interleaved = bool(more) and more[0] < in_space[0]
    if more and not is_interleaved and more[0] < in_space[-1]:
        raise Unsupported(
            "The NRRD file's axes are in an order that is not read.", remedy=EXPORT_AGAIN
        )
    if len(shape) == 2 and more and not is_interleaved and "color" not in kind:
        return Axes(in_space, (n_more, shape[0], shape[1]), 1, kind)
    n_k, n_j, n_i = (1,) * (3 - len(shape)) + shape
    return Axes(in_space, (n_k, n_j, n_i), n_more, kind, is_interleaved)


def _in_space(
    fields: Mapping[str, str], sizes: list[int], kinds: tuple[str, ...]
) -> tuple[int, ...]:
    """Return the numbers of the axes in space: by directions, else by kinds, else the first."""
    vectors = _directions(fields, len(sizes))
    if any(vector is not None for vector in vectors):
        return tuple(
            n
            for n, vector in enumerate(vectors)
            if vector is not None and (len(vector) < 4 or any(vector[:3]))  # the fourth is time
        )
    named = tuple(n for n, kind in enumerate(kinds) if kind in _IN_SPACE)
    if named:
        return named[:3] if sum(sizes[n] > 1 for n in named[3:]) == 0 else named
    return tuple(n for n, kind in enumerate(kinds) if kind in _UNSAID)[:3]


def placed(fields: Mapping[str, str], axes: Axes) -> tuple[Floats | None, Spacing, Remarks]:
    """Return the affine to LPS, or None and the spacing of the pixels, and what to say of it."""
    space = fields.get("space", "").lower().removesuffix("-time")
    signs = _TO_LPS.get(space[:3] if space in ("lpst", "rast", "last") else space)
    vectors = _directions(fields, len(fields["sizes"].split()))
    found = [vectors[n] for n in axes.in_space]
    columns = [vector[:3] for vector in found if vector is not None and len(vector) >= 3]
    if signs is None or len(columns) != 3:
        return None, _pixel_spacing(fields, axes, found), (UNKNOWN_SIDES,)
    scale = np.array(signs, dtype=np.float64) * _unit_mm(fields)
    origin = _vectors(fields.get("space origin", ""))
    affine = np.eye(4)
    with np.errstate(over="ignore"):
        affine[:3, :3] = scale[:, None] * np.array(columns).T
        if origin and origin[0]:
            affine[:3, 3] = scale * np.array((*origin[0], 0, 0, 0)[:3])
    return affine, PIXELS_ONLY, () if origin and origin[0] else (_NO_ORIGIN,)


def _unit_mm(fields: Mapping[str, str]) -> float:
    """Return the millimetres of the unit of space; all of them must be the same length."""
    units = set(_words(fields.get("space units", ""))[:3]) - _UNSAID
    if not units:
        return 1.0
    if len(units) > 1 or not units <= set(_MM):
        raise Unsupported("The NRRD file's unit of length is not read.", remedy=EXPORT_AGAIN)
    return _MM[units.pop()]


def _pixel_spacing(
    fields: Mapping[str, str], axes: Axes, vectors: list[tuple[float, ...] | None]
) -> Spacing:
    """Return the spacing within the slices, where the file gives it in a unit of length."""
    n_axes = len(fields["sizes"].split())
    units = _per_axis(fields.get("units", ""), n_axes)
    spacings = _per_axis(fields.get("spacings", ""), n_axes)
    space_units = _words(fields.get("space units", ""))
    lengths = []
    for n, vector in list(zip(axes.in_space, vectors, strict=True))[:2]:
        if vector is not None and space_units and set(space_units[:2]) <= set(_MM):
            lengths.append(hypot(*vector) * _MM[space_units[0]])
        elif units[n] in _MM and spacings[n]:
            lengths.append(float(spacings[n]) * _MM[units[n]])
    if len(lengths) < 2 or not np.isfinite(lengths).all() or min(lengths) <= 0:
        return PIXELS_ONLY
    return Spacing(lengths[1], lengths[0], SpacingSource.PATIENT)


def _directions(fields: Mapping[str, str], n_axes: int) -> list[tuple[float, ...] | None]:
    text = fields.get("space directions", "")
    if not text:
        return [None] * n_axes
    vectors = _vectors(text)
    lengths = {len(vector) for vector in vectors if vector is not None}
    if len(vectors) != n_axes or len(lengths) > 1:
        raise Damaged("The NRRD header gives directions that do not fit.", remedy=EXPORT_AGAIN)
    return vectors


def _vectors(text: str) -> list[tuple[float, ...] | None]:
    """Return the vectors of "(1,0,0) none (0,1,0)"."""
    vectors: list[tuple[float, ...] | None] = []
    for match in _VECTOR.finditer(text):
        inner = match[1]
        numbers = None if inner is None else tuple(float(part) for part in inner.split(","))
        vectors.append(None if numbers is None or np.isnan(numbers).all() else numbers)
    return vectors


def _per_axis(text: str, n_axes: int) -> tuple[str, ...]:
    words = _words(text)
    return words if len(words) == n_axes else ("",) * n_axes


def _words(text: str) -> tuple[str, ...]:
    """Return words, quoted or not."""
    return tuple(match[1] if match[2] is None else match[2] for match in _WORDS.finditer(text))
