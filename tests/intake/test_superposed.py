"""Overlays and shutters, as pydicom and the standard's words have them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.intake.writing import a_series, a_slice, saved
from viewer.domain.finding import Severity
from viewer.domain.geometry import acquired_plane, fitted_plane
from viewer.domain.graphics import Overlay, Shutter, ShutterShape
from viewer.domain.volume import Picture
from viewer.errors import InputRefused
from viewer.imaging.section import section
from viewer.imaging.superposed import overlay_labels, shutter_at, shuttered
from viewer.intake.decode import load
from viewer.intake.scan import scan

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Bits = NDArray[np.bool_]


def with_overlay(
    dataset: "Dataset",
    bits: Bits,
    origin: tuple[int, int] = (1, 1),
    group: int = 0x6000,
    **more: Any,
) -> None:
    """Lay ``bits`` (rows, columns) or (frames, rows, columns) over an image."""
    flat = np.packbits(bits.ravel(), bitorder="little").tobytes()
    dataset.add_new((group, 0x0010), "US", bits.shape[-2])
    dataset.add_new((group, 0x0011), "US", bits.shape[-1])
    dataset.add_new((group, 0x0040), "CS", "G")
    dataset.add_new((group, 0x0050), "SS", list(origin))
    dataset.add_new((group, 0x0100), "US", 1)
    dataset.add_new((group, 0x0102), "US", 0)
    for element, (vr, value) in more.items():
        dataset.add_new((group, int(element[1:], 16)), vr, value)
    dataset.add_new((group, 0x3000), "OW", flat + b"\0" * (len(flat) % 2))


def opened(dataset: "Dataset", folder: Path) -> Picture:
    return load(scan([saved(dataset, folder / "a")]).pictures[0])


def drawn(picture: Picture, k: int = 0) -> NDArray[np.uint8] | None:
    plane = acquired_plane(picture.grid, (64, 64), k)
    return overlay_labels(picture, section(picture, plane))


def test_an_overlay_lies_where_pydicom_has_it(tmp_path: Path) -> None:
    bits = np.random.default_rng(1).random((6, 8)) < 0.4
    dataset = a_slice(0)
    with_overlay(dataset, bits)
    found = drawn(opened(dataset, tmp_path))
    assert found is not None
    np.testing.assert_array_equal(found, dataset.overlay_array(0x6000))


@given(
    origin=st.tuples(st.integers(-9, 12), st.integers(-9, 12)),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    seed=st.integers(0, 99),
)
def test_parts_outside_the_image_are_cut_and_the_rest_stays_in_place(
    origin: tuple[int, int], shape: tuple[int, int], seed: int
) -> None:
    bits = np.random.default_rng(seed).random(shape) < 0.5
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    found = Overlay(*shape, *origin, packed).mask((6, 8))
    wide = np.zeros((40, 40), dtype=bool)
    row, column = origin[0] + 16, origin[1] + 16
    wide[row : row + shape[0], column : column + shape[1]] = bits
    np.testing.assert_array_equal(found, wide[16:22, 16:24])


def test_two_groups_lie_over_each_other_and_frames_have_their_own(tmp_path: Path) -> None:
    first, second = np.zeros((6, 8), bool), np.zeros((6, 8), bool)
    first[1, 1] = second[4, 5] = True
    dataset = a_slice(0)
    with_overlay(dataset, first)
    with_overlay(dataset, second, group=0x601E)
    found = drawn(opened(dataset, tmp_path))
    assert found is not None
    assert np.argwhere(found).tolist() == [[1, 1], [4, 5]]


def test_a_frame_of_an_overlay_is_cut_out_bit_by_bit(tmp_path: Path) -> None:
    bits = np.random.default_rng(3).random((3, 5, 7)) < 0.5  # 35 bits a frame: not whole bytes
    dataset = a_slice(0, modality="US")
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.3.1"
    dataset.NumberOfFrames = 4
    dataset.PixelData = np.zeros((4, 6, 8), "<i2").tobytes()
    with_overlay(dataset, bits, e0015=("IS", 3), e0051=("US", 2))
    picture = opened(dataset, tmp_path)
    assert drawn(picture, 0) is None
    for k in (1, 2, 3):
        found = drawn(picture, k)
        assert found is not None
        np.testing.assert_array_equal(found[:5, :7], bits[k - 1])


def test_a_broken_overlay_is_left_out_and_one_in_the_pixels_is_named(tmp_path: Path) -> None:
    dataset = a_slice(0)
    with_overlay(dataset, np.ones((6, 8), bool))
    dataset[0x60003000].value = b"\xff\xff"
    assert opened(dataset, tmp_path).display.overlays_k == ()
    with pytest.raises(InputRefused):
        Overlay(6, 8, 0, 0, b"\xff\xff")
    dataset = a_slice(0)
    with_overlay(dataset, np.ones((6, 8), bool))
    del dataset[0x60003000]
    dataset[0x60000102].value = 15
    (finding,) = (f for f in opened(dataset, tmp_path).findings if "overlay" in f.text.lower())
    assert finding.severity is Severity.WARNING


def test_overlays_belong_to_their_own_slice_and_to_acquired_planes(tmp_path: Path) -> None:
    bits = np.zeros((6, 8), bool)
    bits[2, 6] = True

    def change(dataset: "Dataset", k: int) -> None:
        if k == 1:
            with_overlay(dataset, bits)

    a_series(tmp_path, 3, change=change)
    picture = load(scan([tmp_path]).pictures[0])
    assert drawn(picture, 0) is None
    found = drawn(picture, 1)
    assert found is not None
    assert np.argwhere(found).tolist() == [[2, 6]]
    coronal = section(picture, fitted_plane(picture.grid, "coronal", (64, 64)))
    assert overlay_labels(picture, coronal) is None


def test_the_overlays_of_real_files_are_those_of_pydicom(shared_data: Path) -> None:
    from pydicom import dcmread

    paths = ("dicom/pydicom/examples_overlay.dcm", "dicom/nibabel/slicethickness_empty_string.dcm")
    for path in paths:
        dataset = dcmread(shared_data / path)
        (picture,) = scan([shared_data / path]).pictures
        found = drawn(load(picture))
        assert found is not None
        rows, columns = dataset[0x60000010].value, dataset[0x60000011].value
        np.testing.assert_array_equal(found[:rows, :columns], dataset.overlay_array(0x6000))


def test_an_overlay_that_sticks_out_of_a_real_image_is_drawn_inside(shared_data: Path) -> None:
    from pydicom import dcmread

    path = shared_data / "dicom" / "fo_dicom" / "OutOfBoundsOverlay.dcm"
    dataset = dcmread(path)
    found = drawn(load(scan([path]).pictures[0]))
    assert found is not None
    row, column = (n - 1 for n in dataset[0x60000050].value)
    inside = dataset.overlay_array(0x6000)[:, : found.shape[1] - column]
    part = found[row : row + inside.shape[0], column : column + inside.shape[1]]
    np.testing.assert_array_equal(part, inside[: part.shape[0]])
    assert found.sum() >= part.sum() > 0


# --- shutters ----------------------------------------------------------------------------------


def test_each_shape_of_a_shutter_hides_what_lies_outside_it() -> None:
    rectangle = Shutter((ShutterShape("rectangle", (1, 3, 2, 5)),)).hidden((6, 8))
    assert np.argwhere(~rectangle).min(axis=0).tolist() == [1, 2]
    assert np.argwhere(~rectangle).max(axis=0).tolist() == [3, 5]
    circle = Shutter((ShutterShape("circle", (20, 30, 12.5)),)).hidden((60, 80))
    assert (~circle).sum() == pytest.approx(np.pi * 12.5**2, rel=0.01)
    assert not circle[20, 42]
    assert circle[20, 43]
    corners = (5.5, 5.5, 5.5, 25.5, 15.5, 25.5, 15.5, 5.5)
    polygon = Shutter((ShutterShape("polygon", corners),)).hidden((30, 40))
    assert (~polygon).sum() == 10 * 20
    both = Shutter((ShutterShape("rectangle", (1, 3, 2, 5)), ShutterShape("circle", (2, 3, 1))))
    assert (~both.hidden((6, 8))).sum() == 5


def test_the_shutter_of_a_file_counts_from_one_and_can_be_opened(tmp_path: Path) -> None:
    dataset = a_slice(0, modality="DX")
    dataset.ShutterShape = "RECTANGULAR"
    dataset.ShutterUpperHorizontalEdge, dataset.ShutterLowerHorizontalEdge = 2, 5
    dataset.ShutterLeftVerticalEdge, dataset.ShutterRightVerticalEdge = 3, 8
    picture = opened(dataset, tmp_path)
    cut = section(picture, acquired_plane(picture.grid, (64, 64), 0))
    hidden = shuttered(picture, cut, shutter_at(picture, cut)).coverage == 0
    expected = np.ones((6, 8), bool)
    expected[1:5, 2:8] = False
    np.testing.assert_array_equal(hidden, expected)
    assert cut.coverage is None


@pytest.mark.parametrize("kind", ["RECTANGULAR", "CIRCULAR", "POLYGONAL", "STAR"])
def test_a_shutter_without_its_numbers_hides_nothing(kind: str, tmp_path: Path) -> None:
    dataset = a_slice(0, modality="DX")
    dataset.ShutterShape = kind
    assert opened(dataset, tmp_path).display.shutters_k == ()
