"""Frames become volumes by position and orientation; what does not fit is told, not bent."""

from itertools import permutations, product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.intake.writing import SERIES, a_series, a_slice, moved_to, saved, with_pixels
from viewer.domain.finding import Severity
from viewer.domain.ledger import Outcome
from viewer.domain.quantity import SpacingSource
from viewer.domain.volume import ImageStack
from viewer.intake.build import pictures_of
from viewer.intake.decode import load
from viewer.intake.elements import Encoding
from viewer.intake.frames import Frame, Place
from viewer.intake.header import Header
from viewer.intake.layout import Layout, PixelFile
from viewer.intake.placing import grid_of
from viewer.intake.scan import scan
from viewer.testing.builders import rotation

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_TURNS = [
    np.array(columns) * np.array(signs)
    for columns in permutations(np.eye(3).tolist())
    for signs in product((1, -1), repeat=3)
]


def a_frame(k: int, place: Place | None, **traits: str) -> Frame:
    """Return a frame without a file."""
    layout = Layout(6, 8, 1, False, "MONOCHROME2", 16, 16, 15, True)
    file = PixelFile("", f"f{k}", "", f"1.{k}", layout, 1, "", Encoding(True), 0, 96)
    header = Header({}, Encoding(True))
    found = tuple((name.replace("_", " "), value) for name, value in traits.items())
    return Frame(file, header, 1, place, 1.0, 0.0, (), found, k, ())


def frames_along(axes: np.ndarray, step: np.ndarray, order: list[int]) -> list[Frame]:
    """Return frames at ``(5, -7, 11) + k step``, with rows along axes[0] and columns axes[1]."""
    row, column = (tuple(map(float, axis)) for axis in axes[:2])
    origin = np.array((5.0, -7.0, 11.0))
    return [
        a_frame(n, Place(tuple(map(float, origin + k * step)), row, column, 0.5, 0.75))  # type: ignore[arg-type]
        for n, k in enumerate(order)
    ]


@pytest.mark.parametrize("turn", range(48))
def test_all_48_orientations_make_a_grid_that_holds_every_slice(turn: int) -> None:
    axes = _TURNS[turn]
    frames = frames_along(axes, 2.0 * axes[2], [3, 0, 4, 1, 2])
    (picture,) = pictures_of("1.2", frames)
    assert picture.grid is not None
    normal = np.cross(axes[0], axes[1])
    ascending = picture.grid.directions[:, 2] @ normal
    assert ascending == pytest.approx(1)
    assert picture.grid.spacing_ijk_mm == pytest.approx((0.75, 0.5, 2.0))
    # The pixel (row j, column i) of every file lies where PS3.3 C.7.6.2.1.1 puts it.
    places = {frame.file.sop_instance_uid: frame.place for frame in frames}
    for k, instance in enumerate(picture.identity.instances):
        place = places[instance.sop_instance_uid]
        assert place is not None
        expected = np.array(place.position) + 3 * 0.75 * axes[0] + 2 * 0.5 * axes[1]
        assert np.allclose(picture.grid.world((3, 2, k)), expected, atol=1e-9)


@given(
    axis=st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1),
    degrees=st.floats(-180, 180),
    order=st.permutations(range(6)),
    step=st.floats(0.1, 20),
)
def test_an_oblique_series_is_a_volume_whatever_the_order_of_files(
    axis: tuple[float, float, float], degrees: float, order: list[int], step: float
) -> None:
    axes = rotation(axis, degrees).T
    (picture,) = pictures_of("1.2", frames_along(axes, step * axes[2], order))
    assert picture.grid is not None
    assert picture.grid.spacing_ijk_mm == pytest.approx((0.75, 0.5, step))
    assert np.allclose(picture.grid.ijk_to_lps[:3, 3], (5, -7, 11))
    assert not picture.findings


def test_a_tilted_gantry_makes_a_sheared_grid_and_says_so() -> None:
    step = np.array((0.0, np.tan(np.radians(14)) * 5, 5.0))
    (picture,) = pictures_of("1.2", frames_along(np.eye(3), step, [0, 1, 2, 3]))
    assert picture.grid is not None
    assert not picture.grid.is_orthogonal
    assert np.allclose(picture.grid.world((0, 0, 3)), np.array((5, -7, 11)) + 3 * step)
    (finding,) = picture.findings
    assert finding.severity is Severity.WARNING
    assert "14.0°" in finding.text


def test_a_missing_slice_is_named_and_no_volume_is_made(tmp_path: Path) -> None:
    a_series(tmp_path, 6)
    (tmp_path / "s002").unlink()
    (source,) = scan([tmp_path]).pictures
    assert not source.is_volume
    (finding,) = source.findings
    assert finding.severity is Severity.UNSAFE
    assert finding.text.startswith("1 slice is missing, the first after slice 2.")
    picture = load(source)
    assert isinstance(picture, ImageStack)
    assert picture.is_unsafe
    assert picture.stored[:, 0, 0].tolist() == [0, 1000, 3000, 4000, 5000]
    assert picture.spacing.row_mm == 0.5
    assert picture.spacing.column_mm == 0.75
    assert picture.spacing.source is SpacingSource.PATIENT
    assert picture.orientation == ("L", "P")


@pytest.mark.parametrize(("shift_mm", "is_volume"), [(0.019, True), (0.03, False), (0.5, False)])
def test_spacing_uneven_by_more_than_one_per_cent_is_unsafe(
    tmp_path: Path, shift_mm: float, is_volume: bool
) -> None:
    places = [(0, 0, 2.0 * k + (shift_mm if k == 2 else 0)) for k in range(5)]
    a_series(tmp_path, 5, change=moved_to(places))
    (source,) = scan([tmp_path]).pictures
    assert source.is_volume is is_volume
    assert [f.severity for f in source.findings] == ([] if is_volume else [Severity.UNSAFE])


def test_slices_that_drift_sideways_are_unsafe(tmp_path: Path) -> None:
    a_series(tmp_path, 4, change=moved_to([(x, 0, 2 * k) for k, x in enumerate((0, 1, 0, 1))]))
    (source,) = scan([tmp_path]).pictures
    assert not source.is_volume
    assert "shifted against each other" in source.findings[0].text


def test_slice_thickness_and_tilt_tags_change_nothing(tmp_path: Path) -> None:
    def change(dataset: "Dataset", _k: int) -> None:
        dataset.SliceThickness = 9
        dataset.SpacingBetweenSlices = 7
        dataset.GantryDetectorTilt = 20

    a_series(tmp_path, 3, change=change)
    (source,) = scan([tmp_path]).pictures
    assert source.grid is not None
    assert source.grid.spacing_ijk_mm == (0.75, 0.5, 2.0)
    assert source.identity.acquired_text("slice_thickness_mm") == "9.0"


def test_two_sizes_in_one_series_are_two_pictures_with_the_reason(tmp_path: Path) -> None:
    def change(dataset: "Dataset", k: int) -> None:
        if k >= 3:
            with_pixels(dataset, np.zeros((4, 4), np.int16))

    a_series(tmp_path, 5, change=change)
    found = scan([tmp_path])
    first, second = found.pictures
    assert (first.key, second.key) == (SERIES, f"{SERIES}#2")
    assert (first.shape_kji, second.shape_kji) == ((3, 6, 8), (2, 4, 4))
    assert "image size" in first.findings[0].text
    assert second.title == "CT written (4 × 4)"
    assert found.ledger.count(Outcome.SHOWN) == 2


def test_a_localiser_is_set_apart(tmp_path: Path) -> None:
    def change(dataset: "Dataset", k: int) -> None:
        if k == 0:
            dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    a_series(tmp_path, 4, change=change)
    first, second = scan([tmp_path]).pictures
    assert first.is_volume
    assert second.title == "CT written (localiser)"


@pytest.mark.parametrize(
    ("keyword", "values", "label"),
    [
        ("EchoTime", (4.9, 7.4), "echo time 4.9"),
        ("TemporalPositionIdentifier", (1, 2), "temporal position 1"),
        ("AcquisitionNumber", (1, 2), "acquisition 1"),
        ("TriggerTime", (0, 40), "trigger time 0.0"),
        ("ConvolutionKernel", ("B30f", "B70f"), "kernel B30f"),
        ("DiffusionBValue", (0.0, 1000.0), "b-value 0"),
        ("ImageType", (["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"]), "image type M"),
    ],
)
def test_images_at_the_same_places_are_told_apart_by_what_differs(
    tmp_path: Path, keyword: str, values: tuple[object, object], label: str
) -> None:
    for turn, value in enumerate(values):
        for k in range(4):
            dataset = a_slice(k)
            setattr(dataset, keyword, value)
            dataset.SOPInstanceUID = f"1.2.{turn}.{k}"
            dataset.InstanceNumber = turn * 4 + k
            saved(dataset, tmp_path / f"{turn}{k}")
    first, second = scan([tmp_path]).pictures
    assert first.is_volume
    assert second.is_volume
    assert first.shape_kji[0] == second.shape_kji[0] == 4
    assert first.title == f"CT written ({label})"
    assert label.rsplit(" ", 1)[0] in first.findings[0].text


def test_b0_and_many_directions_become_one_volume_each() -> None:
    place = [Place((0, 0, 2.0 * k), (1, 0, 0), (0, 1, 0), 1, 1) for k in range(3)]
    shots = [("0", ""), ("1000", "1 0 0"), ("1000", "0 1 0"), ("1000", "0 0 1")]
    frames = [
        a_frame(10 * turn + k, place[k], b_value=b, gradient=g)
        for turn, (b, g) in enumerate(shots)
        for k in range(3)
    ]
    pictures = pictures_of("1.2", frames)
    assert [p.shape_kji[0] for p in pictures] == [3, 3, 3, 3]
    assert all(p.is_volume for p in pictures)
    assert "b value 1000" in pictures[1].title


def test_a_trait_that_follows_the_slices_does_not_cut_a_volume() -> None:
    # The acquisition number changes half way; the echoes are what repeats.
    frames = [
        a_frame(
            10 * echo + k,
            Place((0, 0, 2.0 * k), (1, 0, 0), (0, 1, 0), 1, 1),
            acquisition=str(k // 3),
            echo=str(echo),
        )
        for echo in (1, 2)
        for k in range(6)
    ]
    assert [p.shape_kji[0] for p in pictures_of("1.2", frames)] == [6, 6]


def test_doubled_positions_without_any_difference_become_repeats() -> None:
    frames = [
        a_frame(n, Place((0, 0, 2.0 * (n % 3)), (1, 0, 0), (0, 1, 0), 1, 1)) for n in range(6)
    ]
    first, second = pictures_of("1.2", frames)
    assert [i.number for i in first.identity.instances] == [0, 1, 2]
    assert "repeat 2" in second.title


def test_one_place_over_time_is_a_film() -> None:
    place = Place((0, 0, 0), (1, 0, 0), (0, 1, 0), 1, 1)
    (picture,) = pictures_of("1.2", [a_frame(n, place, trigger_time=str(n)) for n in range(9)])
    assert picture.shape_kji[0] == 9
    assert not picture.is_volume
    assert picture.findings[0].severity is Severity.NOTE


def test_a_rotating_projection_is_a_stack() -> None:
    frames = []
    for n in range(20):
        row = rotation((0, 0, 1), 9.0 * n) @ (1, 0, 0)
        place = Place((0, 0, 0), (float(row[0]), float(row[1]), 0.0), (0, 0, -1), 1, 1)
        frames.append(a_frame(n, place))
    (picture,) = pictures_of("1.2", frames)
    assert picture.shape_kji[0] == 20
    assert not picture.is_volume


def test_a_single_slice_is_an_image_with_its_spacing_and_letters(tmp_path: Path) -> None:
    (path,) = a_series(tmp_path, 1)
    (source,) = scan([path]).pictures
    assert source.grid is None
    assert source.spacing.source is SpacingSource.PATIENT
    assert source.orientation == ("L", "P")


def test_every_frame_is_in_exactly_one_picture() -> None:
    rng = np.random.default_rng(3)
    frames = [
        a_frame(
            n,
            Place((0, 0, float(rng.integers(0, 4))), (1, 0, 0), (0, 1, 0), 1, 1),
            echo=str(rng.integers(0, 3)),
            b_value=str(rng.integers(0, 2)),
        )
        for n in range(60)
    ]
    numbers = [
        instance.number
        for picture in pictures_of("1.2", frames)
        for instance in picture.identity.instances
    ]
    assert sorted(n for n in numbers if n is not None) == list(range(60))


def test_a_grid_more_than_a_metre_apart_is_no_volume() -> None:
    frames = frames_along(np.eye(3), np.array((0, 0, 1500.0)), [0, 1])
    grid, (finding,) = grid_of(frames, "x")
    assert grid is None
    assert finding.severity is Severity.UNSAFE
