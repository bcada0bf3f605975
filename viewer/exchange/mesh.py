"""Surfaces as STL, OBJ and PLY: patient coordinates (LPS), millimetres, read back and compared.

None of the formats has a place for units or axes: comments say "SPACE=LPS" (as 3D Slicer reads it)
and "mm". STL holds 32-bit numbers, OBJ six decimals, PLY all digits.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats
from viewer.domain.segmentation import Segment, Segmentation
from viewer.errors import Damaged, InputRefused
from viewer.exchange.atomic import Saved, not_equal, save
from viewer.exchange.dicom_parts import short_text
from viewer.imaging.surface import Triangles, enclosed_mm3, surface

_STL = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("spare", "<u2")])
_PLY_FACE = np.dtype([("n", "u1"), ("corners", "<i4", 3)])
_SUFFIXES = (".stl", ".obj", ".ply")
_TOLERANCE = {".stl": 1e-6, ".obj": 1e-6, ".ply": 0.0}
_PLY_HEAD = (
    "ply\nformat binary_little_endian 1.0\ncomment SPACE=LPS\ncomment unit mm\n"
    "element vertex {0}\nproperty double x\nproperty double y\nproperty double z\n"
    "element face {1}\nproperty list uchar int vertex_indices\nend_header\n"
)


def write_mesh(
    segmentation: Segmentation, segment: Segment, path: Path, *, force: bool = False
) -> Saved:
    """Save the surface of one segment; the name's end says the format (.stl, .obj, .ply).

    ``Saved.checks`` says how the volume inside the surface compares with that of the mask.

    Raises
    ------
    InputRefused
        Another end of the name, or an empty segment.
    Conflict, OutOfResources, ViewerError
        As ``atomic.save`` does; nothing was saved.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in _SUFFIXES:
        raise InputRefused(
            "The name of a surface ends in .stl, .obj or .ply.",
            where=path.name,
            remedy="Choose such a name.",
        )
    mask = segmentation.labels == segment.number
    points, triangles = surface(mask, segmentation.grid)
    volume = float(mask.sum()) * segmentation.grid.voxel_volume_mm3
    share = enclosed_mm3(points, triangles) / volume

    def check(temporary: Path) -> tuple[str, ...]:
        found = read_mesh(temporary, kind)
        expected = points[triangles]
        size = max(1.0, float(np.abs(points).max()))
        close = np.abs(found - expected).max() <= _TOLERANCE[kind] * size
        if found.shape != expected.shape or not close:
            raise not_equal(path, "corners differ")
        return (
            f"{len(triangles)} triangles read back",
            f"the surface encloses {100 * share:.1f} % of the mask's {volume / 1000:.3f} mL",
        )

    def write(temporary: Path) -> None:
        temporary.write_bytes(_WRITERS[kind](points, triangles, short_text(segment.name)))

    return save(path, write, check, force=force)


def _stl(points: Floats, triangles: Triangles, name: str) -> bytes:
    corners = points[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    records = np.zeros(len(triangles), dtype=_STL)
    records["normal"] = normals / np.where(length > 0, length, 1)
    records["corners"] = corners
    title = f"Negatoscope SPACE=LPS mm {name}".encode("ascii", "replace")[:80]
    return title.ljust(80) + np.uint32(len(triangles)).tobytes() + records.tobytes()


def _obj(points: Floats, triangles: Triangles, name: str) -> bytes:
    lines = ["# Negatoscope", "# SPACE=LPS", "# unit mm", f"o {name.replace(' ', '_')}"]
    lines += [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in points.tolist()]
    lines += [f"f {a} {b} {c}" for a, b, c in (triangles + 1).tolist()]
    return ("\n".join(lines) + "\n").encode("utf-8")


def _ply(points: Floats, triangles: Triangles, name: str) -> bytes:
    del name
    faces = np.zeros(len(triangles), dtype=_PLY_FACE)
    faces["n"] = 3
    faces["corners"] = triangles
    head = _PLY_HEAD.format(len(points), len(triangles)).encode("ascii")
    return head + points.astype("<f8").tobytes() + faces.tobytes()


_WRITERS = {".stl": _stl, ".obj": _obj, ".ply": _ply}


def read_mesh(path: Path, kind: str) -> NDArray[np.float64]:
    """Return the corners (m, 3, 3) of the triangles of a file written here.

    Raises
    ------
    Damaged
        It is no such file, or it is cut short.
    """
    data = path.read_bytes()
    try:
        return _READERS[kind](data)
    except (ValueError, IndexError, KeyError) as error:
        raise Damaged("The surface's file is broken.", where=path.name) from error


def _read_stl(data: bytes) -> NDArray[np.float64]:
    count = int(np.frombuffer(data, "<u4", 1, 80)[0])
    if len(data) != 84 + count * _STL.itemsize:
        raise ValueError(count)
    return np.frombuffer(data, _STL, count, 84)["corners"].astype(np.float64)


def _read_obj(data: bytes) -> NDArray[np.float64]:
    rows = [line.split() for line in data.decode("utf-8").splitlines()]
    points = np.array([row[1:4] for row in rows if row and row[0] == "v"], dtype=np.float64)
    faces = np.array([row[1:4] for row in rows if row and row[0] == "f"], dtype=np.int64)
    return np.asarray(points[faces - 1])


def _read_ply(data: bytes) -> NDArray[np.float64]:
    head, _, body = data.partition(b"end_header\n")
    counts = {
        line.split()[1]: int(line.split()[2])
        for line in head.decode("ascii").splitlines()
        if line.startswith("element")
    }
    n_bytes = counts["vertex"] * 24
    points = np.frombuffer(body[:n_bytes], "<f8").reshape(-1, 3)
    faces = np.frombuffer(body[n_bytes:], _PLY_FACE)
    if len(faces) != counts["face"]:
        raise ValueError(counts)
    return np.asarray(points[faces["corners"]])


_READERS = {".stl": _read_stl, ".obj": _read_obj, ".ply": _read_ply}
