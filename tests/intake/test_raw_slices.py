"""Raw and packed slices: the same in whatever order they are asked for, and never more than asked."""

import bz2
import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.errors import Damaged
from viewer.intake.raw_slices import RawSlices, unpacked_bytes
from viewer.intake.source import Packing, RawPixels

N_SLICES, N_VOLUMES = 7, 3
VALUES = np.random.default_rng(1).integers(-9, 9, (N_VOLUMES, N_SLICES, 3, 4)).astype(">i2")
PACK: dict[Packing, Callable[[bytes], bytes]] = {
    Packing.NONE: bytes,
    Packing.GZIP: gzip.compress,
    Packing.ZLIB: zlib.compress,
    Packing.BZIP2: bz2.compress,
}


def slices_of(
    path: Path, packing: Packing, volume: int = 0, *, interleaved: bool = False
) -> RawSlices:
    """Write all volumes behind five foreign bytes, and open one of them."""
    values = np.moveaxis(VALUES, 0, -1) if interleaved else VALUES
    path.write_bytes(b"12345" + PACK[packing](values.tobytes()))
    offset = 0 if interleaved else volume * VALUES[0].nbytes
    pixels = RawPixels(str(path), "a", packing, 5, offset, ">i2")
    if interleaved:
        pixels = RawPixels(str(path), "a", packing, 5, 0, ">i2", N_VOLUMES, volume)
    return RawSlices(pixels, (N_SLICES, 3, 4))


@pytest.mark.parametrize("packing", Packing)
@pytest.mark.parametrize("interleaved", [False, True])
@given(
    order=st.lists(st.integers(0, N_SLICES - 1), min_size=1, max_size=12),
    volume=st.integers(0, N_VOLUMES - 1),
)
def test_slices_come_in_any_order(
    tmp_path_factory: pytest.TempPathFactory,
    packing: Packing,
    interleaved: bool,
    order: list[int],
    volume: int,
) -> None:
    path = tmp_path_factory.getbasetemp() / f"{packing}-{interleaved}"
    reader = slices_of(path, packing, volume, interleaved=interleaved)
    target = np.zeros((3, 4), np.int16)
    for k in order:
        reader.read(k, target)
        assert np.array_equal(target, VALUES[volume, k])
    reader.close()


@pytest.mark.parametrize("packing", Packing)
def test_a_file_that_ends_early_is_damaged(tmp_path: Path, packing: Packing) -> None:
    path = tmp_path / "a"
    reader = slices_of(path, packing)
    path.write_bytes(path.read_bytes()[:-40])
    reader = RawSlices(reader._pixels, (N_VOLUMES * N_SLICES, 3, 4))
    with pytest.raises(Damaged, match=r"cut off|ends before"):
        reader.read(N_VOLUMES * N_SLICES - 1, np.zeros((3, 4), np.int16))
    reader.close()


@pytest.mark.parametrize("packing", [Packing.GZIP, Packing.ZLIB, Packing.BZIP2])
def test_rubbish_is_damaged(tmp_path: Path, packing: Packing) -> None:
    path = tmp_path / "a"
    reader = slices_of(path, packing)
    path.write_bytes(b"12345" + b"rubbish" * 90)
    with pytest.raises(Damaged, match="broken"):
        reader.read(0, np.zeros((3, 4), np.int16))
    reader.close()


def test_colours_of_sixteen_bits_keep_the_upper_eight(tmp_path: Path) -> None:
    values = np.array([[[0x12FF, 0x3400, 0xFFFF, 7]]], "<u2")
    (tmp_path / "a").write_bytes(values.tobytes())
    pixels = RawPixels(str(tmp_path / "a"), "a", Packing.NONE, 0, 0, "<u2", 4, is_colour=True)
    target = np.zeros((1, 1, 3), np.uint8)
    reader = RawSlices(pixels, (1, 1, 1))
    reader.read(0, target)
    reader.close()
    assert target.tolist() == [[[0x12, 0x34, 0xFF]]]


@pytest.mark.parametrize("packing", [Packing.GZIP, Packing.ZLIB, Packing.BZIP2])
def test_a_bomb_gives_no_more_than_is_asked_for(tmp_path: Path, packing: Packing) -> None:
    (tmp_path / "a").write_bytes(PACK[packing](bytes(50_000_000)))
    unpacked = unpacked_bytes(str(tmp_path / "a"), packing)
    assert unpacked.read(1000) == bytes(1000)
    unpacked.close()
