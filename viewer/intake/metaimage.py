"""MetaImage files, attached (.mha) or with a data file (.mhd + .raw or .zraw).

Source: the MetaIO documentation (itk.org/Wiki/ITK/MetaIO/Documentation). The rows of
TransformMatrix are where the axes point, in LPS; AnatomicalOrientation names for each axis where
it comes *from* ("RAI": from the right to the left). The matrix counts where both are there.
"""

import re
from collections.abc import Mapping

import numpy as np

from viewer.domain.finding import Severity
from viewer.domain.geometry import Floats
from viewer.domain.quantity import PIXELS_ONLY, Spacing, SpacingSource
from viewer.errors import Damaged, InputRefused, Unsupported
from viewer.intake.beside import DataFile, data_file
from viewer.intake.described import (
    EXPORT_AGAIN,
    UNKNOWN_SIDES,
    Described,
    Samples,
    no_size,
    nonsense,
    pictures_of_volumes,
)
from viewer.intake.find import Found
from viewer.intake.limits import MAX_TEXT_HEADER_BYTES
from viewer.intake.reading import read_head
from viewer.intake.source import Packing, PictureSource

Fields = Mapping[str, str]

# The data follow the line that names their file; it is always the last one.
_LAST = re.compile(rb"^[ \t]*ElementDataFile[ \t]*=[ \t]*([^\r\n]*)(\r?\n|$)", re.MULTILINE)
_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",  # MetaIO counts four bytes whatever the machine
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_FROM = {
    "R": (1, 0, 0),
    "L": (-1, 0, 0),
    "A": (0, 1, 0),
    "P": (0, -1, 0),
    "I": (0, 0, 1),
    "S": (0, 0, -1),
}
_NO_ORIGIN = (
    Severity.WARNING,
    "The file does not say where it lies in the patient; its first voxel is put at the origin.",
)


def metaimage_pictures(
    found: Found, size: int, known: Mapping[str, str]
) -> tuple[list[PictureSource], DataFile | None]:
    """Return the pictures of a MetaImage, one for each volume, and its data file if it has one.

    ``known`` is for ``data_file``.

    Raises
    ------
    Damaged
        The header is broken, or the file is too short for what it says.
    Unsupported
        Text encoding, several data files, or a type that is not read.
    """
    fields, name, start = _header(found.path)
    data = None if name.upper() == "LOCAL" else data_file(found, name, known)
    try:
        described = _described(fields)
        skip = int(fields.get("headersize", "0"))
    except InputRefused:
        raise
    except (ValueError, OverflowError) as error:
        raise Damaged("The MetaImage header is broken.", remedy=EXPORT_AGAIN) from error
    file = DataFile(found, size) if data is None else data
    samples = _samples(file, described, fields, 0 if data else start, skip)
    return pictures_of_volumes(found, described, samples), data


def _header(path: str) -> tuple[Fields, str, int]:
    """Return the fields by name in small letters, the data file's name, and the header's length."""
    head, _ = read_head(path, MAX_TEXT_HEADER_BYTES)
    last = _LAST.search(head)
    if last is None:
        raise Damaged("The MetaImage header has no end.", remedy=EXPORT_AGAIN)
    fields: dict[str, str] = {}
    for line in head[: last.start()].decode("utf-8", "replace").splitlines():
        name, equals, value = line.partition("=")
        if equals:
            fields.setdefault(name.strip().lower(), value.strip())
    return fields, last[1].decode("utf-8", "replace").strip(), last.end()


def _described(fields: Fields) -> Described:
    shape_kji, n_volumes, n_axes = _shape(fields)
    dtype = _dtype(fields)
    n_samples = int(fields.get("elementnumberofchannels", "1"))
    if not 1 <= n_samples <= 1000:
        raise no_size("MetaImage")
    is_colour = n_samples in (3, 4) and dtype == np.uint8
    is_interleaved = n_samples > 1 and not is_colour
    if is_interleaved and n_volumes > 1:
        raise Unsupported("MetaImages of five dimensions are not read.", remedy=EXPORT_AGAIN)
    affine, spacing, remarks = _placed(fields, n_axes)
    if is_interleaved:
        text = f"Each voxel holds {n_samples} values; they are shown as {n_samples} volumes."
        remarks = (*remarks, (Severity.NOTE, text))
    return Described(
        "MetaImage",
        shape_kji,
        dtype,
        affine,
        n_samples if is_interleaved else n_volumes,
        n_samples,
        is_interleaved,
        is_colour,
        spacing,
        _scale(fields),
        remarks=remarks,
    )


def _shape(fields: Fields) -> tuple[tuple[int, int, int], int, int]:
    """Return the shape, the number of volumes and the number of axes."""
    if fields.get("objecttype", "Image").lower() != "image":
        raise Unsupported("This MetaIO file holds no image.", remedy="Leave it out.")
    sizes = [int(size) for size in fields.get("dimsize", "").split()]
    if len(sizes) != int(fields.get("ndims", "0")) or len(sizes) < 2 or min(sizes) < 1:
        raise no_size("MetaImage")
    n_i, n_j, n_k, n_t, *more = (*sizes, *(1,) * 4)[: max(4, len(sizes))]
    if any(n > 1 for n in more):
        raise Unsupported("MetaImages of five dimensions are not read.", remedy=EXPORT_AGAIN)
    return (n_k, n_j, n_i), n_t, len(sizes)


def _dtype(fields: Fields) -> np.dtype[np.generic]:
    kind = _TYPES.get(fields.get("elementtype", "").upper().removesuffix("_ARRAY"))
    if kind is None:
        raise Unsupported(
            "The MetaImage's values are of a type that is not read.", remedy=EXPORT_AGAIN
        )
    if not _is_true(fields, "binarydata", default=True):
        raise Unsupported("MetaImages as text are not read.", remedy="Save it as binary data.")
    is_big = _is_true(fields, "binarydatabyteordermsb") or _is_true(fields, "elementbyteordermsb")
    return np.dtype((">" if is_big else "<") + kind)


def _is_true(fields: Fields, name: str, *, default: bool = False) -> bool:
    text = fields.get(name, "")
    return text[:1].lower() in ("t", "1") if text else default


def _placed(
    fields: Fields, n_axes: int
) -> tuple[Floats | None, Spacing, tuple[tuple[Severity, str], ...]]:
    """Return the affine to LPS, or None and the spacing of the pixels, and what to say of it."""
    spacing = _numbers(fields, ("elementspacing", "elementsize"), n_axes)
    if spacing is not None and not (np.isfinite(spacing).all() and spacing.min() > 0):
        raise nonsense("MetaImage")
    directions, remarks = _directions(fields, n_axes)
    if directions is None or spacing is None or n_axes < 3:
        known = PIXELS_ONLY
        if spacing is not None:
            known = Spacing(float(spacing[1]), float(spacing[0]), SpacingSource.PATIENT)
        return None, known, (UNKNOWN_SIDES,)
    affine = np.eye(4)
    with np.errstate(over="ignore"):
        affine[:3, :3] = directions * spacing[:3]
    origin = _numbers(fields, ("offset", "position", "origin"), n_axes)
    if origin is None:
        return affine, PIXELS_ONLY, (*remarks, _NO_ORIGIN)
    affine[:3, 3] = origin[:3]
    return affine, PIXELS_ONLY, remarks


def _directions(
    fields: Fields, n_axes: int
) -> tuple[Floats | None, tuple[tuple[Severity, str], ...]]:
    """Return where the axes point, as columns (3, 3); None if the file does not say."""
    named = [_FROM.get(letter) for letter in fields.get("anatomicalorientation", "").upper()]
    from_letters = None
    vectors = [vector for vector in named[:3] if vector is not None]
    if len(vectors) == 3 and abs(np.linalg.det(np.array(vectors))) > 0.5:
        from_letters = np.array(vectors, dtype=np.float64).T
    numbers = _numbers(fields, ("transformmatrix", "rotation", "orientation"), n_axes * n_axes)
    if numbers is None or n_axes < 3:
        return from_letters, ()
    columns = np.asarray(numbers.reshape(n_axes, n_axes)[:3, :3].T)
    if not (np.abs(columns) < 2).all() or np.abs(np.linalg.norm(columns, axis=0) - 1).max() > 0.01:
        raise nonsense("MetaImage")
    if from_letters is not None and (np.sum(columns * from_letters, axis=0) < 0).any():
        text = "The file's matrix and its letters of orientation disagree; the matrix is taken."
        return columns, ((Severity.WARNING, text),)
    return columns, ()


def _numbers(fields: Fields, names: tuple[str, ...], count: int) -> Floats | None:
    """Return the numbers of the first field of ``names`` that is there."""
    for name in names:
        if name in fields:
            numbers = np.array([float(word) for word in fields[name].split()])
            if len(numbers) != count:
                raise Damaged("The MetaImage header is broken.", remedy=EXPORT_AGAIN)
            return numbers
    return None


def _scale(fields: Fields) -> tuple[float, float]:
    """Return slope and intercept of "element to intensity"; 1 and 0 where they are nonsense."""
    slope = float(fields.get("elementtointensityfunctionslope", "1"))
    intercept = float(fields.get("elementtointensityfunctionoffset", "0"))
    if not np.isfinite([slope, intercept]).all() or slope == 0:
        return 1.0, 0.0
    return slope, intercept


def _samples(
    file: DataFile, described: Described, fields: Fields, begin: int, skip: int
) -> Samples:
    packing = Packing.ZLIB if _is_true(fields, "compresseddata") else Packing.NONE
    if skip < -1 or (skip < 0 and packing is not Packing.NONE):
        raise Damaged("The MetaImage header is broken.", remedy=EXPORT_AGAIN)
    if skip == -1:  # the samples are the end of the file
        begin, skip = max(file.size - described.n_bytes, begin), 0
    return Samples(file.found.path, file.size, begin + skip, packing)
