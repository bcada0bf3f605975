"""Values as NRRD (teem.sourceforge.net/nrrd/format.html), read back by SimpleITK and by this file.

NRRD states its space in words, so patient coordinates (LPS, mm) stay as they are, with all digits,
sheared grids included. The data follow the header, little endian, gzipped.
"""

import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from viewer import __version__
from viewer.domain.geometry import Floats, Grid
from viewer.domain.volume import Picture, Voxels
from viewer.errors import DISCLAIMER, Damaged, InputRefused
from viewer.exchange.atomic import Saved, save
from viewer.exchange.nifti import compare_values, read_by_simpleitk
from viewer.exchange.quantities import quantity_note, quantity_values

_TYPES: dict[str, np.dtype[Any]] = {"int16": np.dtype("<i2"), "float": np.dtype("<f4")}
_GZIP = 16 + zlib.MAX_WBITS


def write_values_nrrd(picture: Picture, path: Path, *, force: bool = False) -> Saved:
    """Save the quantity of a volume (int16 where exact, else float32) with its place in LPS.

    Raises
    ------
    InputRefused
        The name does not end in .nrrd, or the picture has no values on a grid.
    Damaged, Conflict, OutOfResources, ViewerError
        As ``quantity_values`` and ``atomic.save`` do; nothing was saved.
    """
    path = Path(path)
    if path.suffix.lower() != ".nrrd":
        raise InputRefused(
            "The name of an NRRD file ends in .nrrd.",
            where=path.name,
            remedy="Choose such a name.",
        )
    values = quantity_values(picture)
    header = _header(values, picture.grid, quantity_note(picture))

    def check(temporary: Path) -> tuple[str, ...]:
        compare_values(path, values, picture.grid, *read_values_nrrd(temporary))
        sentences = [f"{values.size} voxels of {values.dtype} read back equal"]
        if picture.grid.is_orthogonal:
            compare_values(path, values, picture.grid, *read_by_simpleitk(temporary))
            sentences.append("SimpleITK reads the same voxels at the same places")
        return tuple(sentences)

    return save(path, lambda to: _write(to, header, values), check, force=force)


def _header(values: Voxels, grid: Grid, note: dict[str, str]) -> str:
    kind = "int16" if values.dtype == np.int16 else "float"
    affine = grid.ijk_to_lps
    lines = [
        "NRRD0005",
        f"# {DISCLAIMER}",
        f"type: {kind}",
        "dimension: 3",
        "space: left-posterior-superior",
        f"sizes: {' '.join(str(n) for n in grid.shape_kji[::-1])}",
        f"space directions: {' '.join(_vector(affine[:3, axis]) for axis in range(3))}",
        "kinds: domain domain domain",
        "endian: little",
        "encoding: gzip",
        'space units: "mm" "mm" "mm"',
        f"space origin: {_vector(affine[:3, 3])}",
        f"program:=Negatoscope {__version__}",
        f"disclaimer:={DISCLAIMER}",
        *(f"{name}:={text}" for name, text in note.items() if text),
    ]
    return "\n".join(lines) + "\n\n"


def _vector(numbers: Floats) -> str:
    return "(" + ",".join(repr(float(number)) for number in numbers) + ")"


def _write(path: Path, header: str, values: Voxels) -> None:
    engine = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
    kind = values.dtype.newbyteorder("<")
    with path.open("wb") as file:
        file.write(header.encode("ascii"))
        for plane in values:
            file.write(engine.compress(np.ascontiguousarray(plane, dtype=kind).tobytes()))
        file.write(engine.flush())


def read_values_nrrd(path: Path) -> tuple[Voxels, Floats]:
    """Return values (k, j, i) and the affine ``ijk_to_lps`` (4, 4) of a file written here.

    Raises
    ------
    Damaged
        It is no such file.
    """
    head, _, data = path.read_bytes().partition(b"\n\n")
    fields = dict(
        line.split(": ", 1) for line in head.decode("ascii").split("\n")[1:] if ": " in line
    )
    try:
        shape = tuple(int(n) for n in fields["sizes"].split())[::-1]
        kind = _TYPES[fields["type"]]
        axes = [_numbers(text) for text in fields["space directions"].split()]
        origin = _numbers(fields["space origin"])
    except (KeyError, ValueError) as error:
        raise Damaged("The header of the NRRD file is broken.", where=path.name) from error
    affine = np.eye(4)
    affine[:3, :3] = np.array(axes).T
    affine[:3, 3] = origin
    limit = int(np.prod(shape)) * kind.itemsize
    content = zlib.decompressobj(_GZIP).decompress(data, limit + 1)
    if len(content) != limit:
        raise Damaged("The NRRD file holds another number of voxels.", where=path.name)
    return np.frombuffer(content, dtype=kind).reshape(shape), affine


def _numbers(vector: str) -> list[float]:
    found = re.fullmatch(r"\(([^()]+),([^()]+),([^()]+)\)", vector)
    if found is None:
        raise ValueError(vector)
    return [float(number) for number in found.groups()]
