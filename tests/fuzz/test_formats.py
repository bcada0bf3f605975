"""Volume and picture files of every format, spoilt: a fate, in time, in little memory."""

import gzip
import io
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.account import accounted
from tests.fuzz.mutations import (
    HOSTILE_TEXTS,
    Mutation,
    cut,
    cut_in_header,
    flipped,
    halves_of_two,
    hole,
    overwritten,
    words_overwritten,
)
from viewer.intake.scan import scan

VALUES = np.random.default_rng(5).integers(0, 999, (5, 6, 7)).astype(np.int16)
COLOUR = np.random.default_rng(6).integers(0, 256, (20, 30, 3)).astype(np.uint8)
_NUMBER = re.compile(rb"-?\d+(\.\d+)?")
_NUMBERS = (b"0", b"-1", b"2", b"3", b"65536", b"99999999999", b"1e308", b"nan", b"-inf", b"x", b"")
_PROFILE = settings()


def other_number(content: bytes, chance: Random) -> bytes:
    """Put an awkward number where one stands in the first two kilobytes."""
    found = list(_NUMBER.finditer(content[:2000]))
    if not found:
        return content
    one = chance.choice(found)
    return content[: one.start()] + chance.choice(_NUMBERS) + content[one.end() :]


def other_value(content: bytes, chance: Random) -> bytes:
    """Put hostile text where a header line has its value, or leave the line out."""
    head, tail = content[:2000], content[2000:]
    lines = head.split(b"\n")
    at = chance.randrange(len(lines))
    name, sign, _ = (
        re.split(rb"(: |= )", lines[at], maxsplit=1)
        if re.search(rb": |= ", lines[at])
        else (lines[at], b"", b"")
    )
    lines[at : at + 1] = (
        [name + sign + chance.choice(HOSTILE_TEXTS)] if chance.random() < 0.7 else []
    )
    return b"\n".join(lines) + tail


MUTATIONS: tuple[Mutation, ...] = (
    cut,
    cut_in_header,
    hole,
    flipped,
    overwritten,
    words_overwritten,
    halves_of_two,
    other_number,
    other_value,
)


def an_nrrd(encoding: str = "raw", data: str = "") -> bytes:
    packed = gzip.compress(VALUES.tobytes()) if encoding == "gzip" else VALUES.tobytes()
    return (
        b"NRRD0004\ntype: short\ndimension: 3\nsizes: 7 6 5\nendian: little\n"
        b"space: left-posterior-superior\nspace directions: (1,0,0) (0,1,0) (0,0,2)\n"
        b"space origin: (1,2,3)\nkinds: domain domain domain\nbyte skip: 0\nline skip: 0\n"
        + f"encoding: {encoding}\n{data}\n".encode()
        + (b"" if data else packed)
    )


def a_metaimage(data: str = "LOCAL", *, packed: bool = False) -> bytes:
    raw = zlib.compress(VALUES.tobytes()) if packed else VALUES.tobytes()
    return (
        f"ObjectType = Image\nNDims = 3\nBinaryData = True\nCompressedData = {packed}\n"
        "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 1 2 3\nAnatomicalOrientation = RAI\n"
        "ElementSpacing = 1 1 2\nDimSize = 7 6 5\nElementNumberOfChannels = 1\nHeaderSize = 0\n"
        f"ElementType = MET_SHORT\nElementDataFile = {data}\n"
    ).encode() + (raw if data == "LOCAL" else b"")


def by_nibabel(kind: str, part: str = "image") -> bytes:
    import nibabel

    made: Any = getattr(nibabel, kind)(VALUES.transpose(), np.diag((-1.0, 1, 2, 1)))
    files = made.make_file_map({name: io.BytesIO() for name, _ in made.files_types})
    made.to_file_map(files)
    return bytes(files[part].fileobj.getvalue())


def by_pillow(form: str, mode: str = "RGB", **options: Any) -> bytes:
    from PIL import Image

    target = io.BytesIO()
    Image.fromarray(COLOUR).convert(mode).save(target, form, **options)
    return target.getvalue()


def a_tiff(**options: Any) -> bytes:
    import tifffile

    target = io.BytesIO()
    tifffile.imwrite(target, COLOUR, photometric="rgb", **options)
    return target.getvalue()


# The name of the file, how it is made, and whether its spoilt bytes are gzipped afterwards.
VICTIMS: dict[str, Callable[[], bytes]] = {
    "raw.nrrd": an_nrrd,
    "gzip.nrrd": lambda: an_nrrd("gzip"),
    "pair.nhdr": lambda: an_nrrd(data="data file: pair.raw\n"),
    "local.mha": a_metaimage,
    "packed.mha": lambda: a_metaimage(packed=True),
    "pair.mhd": lambda: a_metaimage("pair.raw"),
    "plain.mgh": lambda: by_nibabel("MGHImage"),
    "inside.mgz": lambda: by_nibabel("MGHImage"),
    "pair.hdr": lambda: by_nibabel("AnalyzeImage", "header"),
    "inside.nii.gz": lambda: by_nibabel("Nifti1Image"),
    "grey.png": lambda: by_pillow("PNG", "L"),
    "colour.png": lambda: by_pillow("PNG"),
    "palette.png": lambda: by_pillow("PNG", "P"),
    "colour.jpg": lambda: by_pillow("JPEG"),
    "progressive.jpg": lambda: by_pillow("JPEG", progressive=True, dpi=(72, 72)),
    "plain.tif": a_tiff,
    "tiled.tif": lambda: a_tiff(tile=(16, 16), compression="deflate"),
    "lzw.tif": lambda: a_tiff(compression="lzw", bigtiff=True),
    "bilevel.tif": lambda: by_pillow("TIFF", "1", compression="group4"),
}


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(content, 1) if name.startswith("inside") else content)
    if name.startswith("pair"):
        (folder / ("pair.img" if name.endswith("hdr") else "pair.raw")).write_bytes(
            VALUES.tobytes()
        )
        if name == "pair.nhdr":
            (folder / "pair.raw").write_bytes(VALUES.tobytes())
    return path


@pytest.mark.parametrize("name", VICTIMS)
def test_every_victim_is_shown_before_it_is_spoilt(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, name, VICTIMS[name]())
    assert scan([path]).pictures
    assert not accounted(path).ledger.refused


@pytest.mark.parametrize("name", VICTIMS)
@settings(max_examples=2 * _PROFILE.max_examples, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(MUTATIONS), st.integers(0, 2**32)), min_size=1, max_size=3
    )
)
def test_a_spoilt_file_has_a_fate(name: str, steps: list[tuple[Mutation, int]]) -> None:
    content = VICTIMS[name]()
    for mutation, seed in steps:
        if len(content) > 1:
            content = mutation(content, Random(seed)) or b"\0"  # noqa: S311 - repeatable on purpose
    with TemporaryDirectory() as folder:
        accounted(written(Path(folder), name, content))
