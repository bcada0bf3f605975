"""Siemens mosaics made by hand: what is known, what is not, and what lies about itself."""

import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.intake.writing import a_slice, saved
from viewer.domain.finding import Severity
from viewer.intake.decode import load
from viewer.intake.scan import scan
from viewer.intake.source import PictureSource

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MR = "1.2.840.10008.5.1.4.1.1.4"
TILES = np.arange(7 * 4 * 5, dtype=np.int16).reshape(7, 4, 5)


def csa(name: str, *values: str) -> bytes:
    """Return one element of a CSA header."""
    items = b"".join(
        struct.pack("<4i", len(v) + 1, len(v) + 1, 77, len(v) + 1)
        + v.encode().ljust(-(-(len(v) + 1) // 4) * 4, b"\0")
        for v in values
    )
    head = name.encode().ljust(64, b"\0") + struct.pack("<i4siii", 3, b"FD\0\0", 4, len(values), 77)
    return head + items


def a_mosaic(normal: tuple[str, ...] = ("0.0", "0.0", "1.0"), count: int = 7) -> "Dataset":
    """Return seven tiles of 4 x 5 on a sheet of 12 x 15, at 2 x 3 mm, 5 mm apart."""
    sheet = np.zeros((12, 15), dtype=np.int16)
    for n, tile in enumerate(TILES):
        row, column = divmod(n, 3)
        sheet[row * 4 : row * 4 + 4, column * 5 : column * 5 + 5] = tile
    dataset = a_slice(0, sheet, modality="MR")
    dataset.SOPClassUID = MR
    for name in ("RescaleSlope", "RescaleIntercept"):
        if name in dataset:
            delattr(dataset, name)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    dataset.PixelSpacing = [2, 3]
    dataset.SpacingBetweenSlices = 5
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.ImagePositionPatient = [-100, -200, 30]
    dataset.add_new(0x00290010, "LO", "SIEMENS CSA HEADER")
    header = b"SV10\4\3\2\1" + csa("NumberOfImagesInMosaic", str(count))
    dataset.add_new(0x00291010, "OB", header + csa("SliceNormalVector", *normal))
    return dataset


def opened(dataset: "Dataset", folder: Path) -> PictureSource:
    return scan([saved(dataset, folder / "a")]).pictures[0]


@pytest.mark.parametrize("up", [True, False])
def test_the_first_tile_lies_around_the_middle_of_the_sheet(up: bool, tmp_path: Path) -> None:
    source = opened(a_mosaic(("0.0", "0.0", "1.0" if up else "-1.0")), tmp_path)
    assert source.grid is not None
    assert source.shape_kji == (7, 4, 5)
    picture = load(source)
    # Sheet of 15 x 3 mm by 12 x 2 mm; its tiles are 15 mm and 8 mm: 15 and 8 mm further in.
    for n, tile in enumerate(TILES):
        place = (-100 + 15, -200 + 8, 30 + (5 * n if up else -5 * n))
        index = np.rint(picture.grid.index(place)).astype(int)
        np.testing.assert_allclose(picture.grid.world(index), place, atol=1e-9)
        assert index[:2].tolist() == [0, 0]
        np.testing.assert_array_equal(picture.stored[index[2]], tile)


@pytest.mark.parametrize("lacking", ["gap", "normal", "count", "sideways", "not whole"])
def test_a_sheet_that_tells_too_little_stays_a_sheet_and_says_so(
    lacking: str, tmp_path: Path
) -> None:
    dataset = a_mosaic()
    if lacking == "gap":
        del dataset.SpacingBetweenSlices
    elif lacking == "normal":
        dataset[0x00291010].value = b"SV10" + csa("NumberOfImagesInMosaic", "7")
    elif lacking == "count":
        dataset = a_mosaic(count=0)
    elif lacking == "sideways":
        dataset = a_mosaic(("1.0", "0.0", "0.0"))
    else:
        dataset = a_mosaic(count=30)
    source = opened(dataset, tmp_path)
    assert not source.is_volume
    assert source.shape_kji == (1, 12, 15)
    assert any(f.severity is Severity.WARNING and "mosaic sheet" in f.text for f in source.findings)


@pytest.mark.parametrize("cut", range(0, 400, 13))
def test_a_header_cut_anywhere_never_breaks(cut: int, tmp_path: Path) -> None:
    dataset = a_mosaic()
    raw = dataset[0x00291010].value[: -cut or None]
    dataset[0x00291010].value = raw + b"\0" * (len(raw) % 2)
    assert opened(dataset, tmp_path).shape_kji in ((7, 4, 5), (1, 12, 15))
