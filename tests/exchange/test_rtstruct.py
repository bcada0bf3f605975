"""RT Structure Sets: closed forms, the standard's cases, hostile files, and real ones."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.exchange.cases import a_volume_on, grids
from tests.exchange.structure_sets import Region, circle, square, structure_set, write
from viewer.domain.geometry import Grid
from viewer.domain.segmentation import OriginKind
from viewer.domain.volume import Volume
from viewer.errors import Damaged, InputRefused, OutOfResources, Unsupported, ViewerError
from viewer.exchange import rtstruct_read
from viewer.exchange.rtstruct_read import ReadStructures, read_rtstruct
from viewer.testing.builders import a_volume, rotation

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def read(
    tmp_path: Path, volume: Volume, *regions: Region, frame: str | None = None
) -> ReadStructures:
    path = write(structure_set(regions, volume, frame=frame), tmp_path / "rs.dcm")
    return read_rtstruct(path, volume)


def fine_grids() -> dict[str, Grid]:
    """Return anisotropic grids, straight, oblique, left-handed and tilted."""
    shape, spacing = (24, 90, 110), (0.6, 0.7, 2.0)
    tilted = np.eye(4)
    tilted[:3, :3] = np.array([[0.6, 0, 0], [0, 0.7, 0.5], [0, 0, 1.9]])
    turned = rotation((1, 2, 3), 25)
    return {
        "plain": Grid.from_axes(shape, spacing_ijk_mm=spacing),
        "oblique": Grid.from_axes(shape, spacing_ijk_mm=spacing, directions=turned),
        "left-handed": Grid.from_axes(
            shape, spacing_ijk_mm=spacing, directions=turned @ np.diag([1.0, 1.0, -1.0])
        ),
        "tilted": Grid(shape, tilted),
    }


@pytest.mark.parametrize("name", list(fine_grids()))
def test_a_cylinder_and_a_sphere_have_their_volumes(name: str, tmp_path: Path) -> None:
    grid = fine_grids()[name]
    volume = a_volume_on(grid)
    step_mm = abs(float(np.linalg.det(grid.ijk_to_lps[:3, :3]))) / (0.6 * 0.7)
    cylinder = [circle(grid, k, 10, (20, 30)) for k in range(4, 20)]
    heights = {k: (k - 11.5) * step_mm for k in range(24)}
    radii = {k: np.sqrt(max(0.0, 20**2 - h**2)) for k, h in heights.items()}
    sphere = [circle(grid, k, r, (45, 30)) for k, r in radii.items() if r > 1]
    found = read(tmp_path, volume, Region("Cylinder", cylinder), Region("Sphere", sphere))
    volumes = {}
    for segmentation in found.segmentations:
        for segment in segmentation.segments:
            n = np.count_nonzero(segmentation.labels == segment.number)
            volumes[segment.name] = n * grid.voxel_volume_mm3
    assert volumes["Cylinder"] == pytest.approx(np.pi * 100 * 16 * step_mm, rel=0.005)
    assert volumes["Sphere"] == pytest.approx(4 / 3 * np.pi * 20**3, rel=0.01)


@pytest.mark.parametrize("name", list(grids()))
def test_each_contour_fills_its_own_slice_on_every_sort_of_grid(name: str, tmp_path: Path) -> None:
    grid = grids()[name]
    found = read(tmp_path, a_volume_on(grid), Region("A", [square(grid, 3, 1.5, 4.5)]))
    expected = np.zeros(grid.shape_kji, dtype=np.uint8)
    expected[3, 2:5, 2:5] = 1
    np.testing.assert_array_equal(found.segmentations[0].labels, expected)
    assert found.notes == ()
    assert found.segmentations[0].grid == grid


def test_name_colour_code_and_origin_are_those_of_the_region(tmp_path: Path) -> None:
    volume = a_volume().build()
    contour = [square(volume.grid, 3, 1.5, 4.5)]
    found = read(
        tmp_path,
        volume,
        Region("Tumour", contour, colour=(1, 2, 300), interpreted="GTV"),
        Region("Heart", [square(volume.grid, 3, 7.5, 9.5)], colour=None, interpreted="ORGAN"),
    )
    tumour, heart = found.segmentations[0].segments
    assert (tumour.name, tumour.colour, tumour.code.value) == ("Tumour", (1, 2, 255), "228791009")
    assert (heart.name, heart.code.meaning) == ("Heart", "Tissue")
    assert found.segmentations[0].name == "Plan A"
    assert found.segmentations[0].volume_key == volume.key
    assert found.segmentations[0].origin.kind is OriginKind.HAND


def test_what_a_program_drew_is_not_said_to_be_drawn_by_hand(tmp_path: Path) -> None:
    volume = a_volume().build()
    region = Region("A", [square(volume.grid, 3, 1.5, 4.5)], algorithm="AUTOMATIC")
    origin = read(tmp_path, volume, region).segmentations[0].origin
    assert (origin.kind, origin.key) == (OriginKind.METHOD, "Maker")


@pytest.mark.parametrize("kind", ["CLOSED_PLANAR", "CLOSEDPLANAR_XOR"])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_hole_is_empty_and_an_island_in_it_is_full(
    kind: str, order: tuple[int, ...], tmp_path: Path
) -> None:
    volume = a_volume().build()
    sizes = [(1.5, 20.5), (4.5, 17.5), (8.5, 12.5)]
    contours = [square(volume.grid, 3, *sizes[n]) for n in order]
    found = read(tmp_path, volume, Region("Ring", contours, kind=kind))
    expected = np.zeros((32, 40), dtype=np.uint8)
    for n, (low, high) in enumerate(sizes):
        span = slice(int(low + 0.5), int(high + 0.5))
        expected[span, span] = (n + 1) % 2
    np.testing.assert_array_equal(found.segmentations[0].labels[3], expected)
    assert found.notes == ()


def test_overlapping_regions_keep_all_their_voxels(tmp_path: Path) -> None:
    volume = a_volume().build()
    found = read(
        tmp_path,
        volume,
        Region("Body", [square(volume.grid, 3, 1.5, 20.5)]),
        Region("Organ", [square(volume.grid, 3, 5.5, 9.5)]),
        Region("Aside", [square(volume.grid, 3, 22.5, 25.5)]),
    )
    assert [[s.name for s in layer.segments] for layer in found.segmentations] == [
        ["Body", "Aside"],
        ["Organ"],
    ]
    counts = [int(np.count_nonzero(layer.labels)) for layer in found.segmentations]
    assert counts == [19 * 19 + 3 * 3, 4 * 4]
    assert len({layer.uid for layer in found.segmentations}) == 2
    assert "2 layers" in found.notes[-1]


def test_a_contour_that_is_there_twice_does_not_erase_itself(tmp_path: Path) -> None:
    volume = a_volume().build()
    contour = square(volume.grid, 3, 1.5, 4.5)
    found = read(tmp_path, volume, Region("A", [contour, contour]))
    assert np.count_nonzero(found.segmentations[0].labels) == 9
    assert "twice" in found.notes[0]


def test_contours_that_cross_are_told(tmp_path: Path) -> None:
    volume = a_volume().build()
    contours = [square(volume.grid, 3, 1.5, 6.5), square(volume.grid, 3, 4.5, 9.5)]
    found = read(tmp_path, volume, Region("A", contours))
    assert np.count_nonzero(found.segmentations[0].labels) == 2 * (25 - 4)
    assert "cross" in found.notes[0]


@pytest.mark.parametrize(("off", "expected"), [(0.0, {3}), (0.15, {3}), (-0.15, {3}), (0.4, {3})])
def test_a_contour_near_a_slice_fills_that_slice(
    off: float, expected: set[int], tmp_path: Path
) -> None:
    volume = a_volume(spacing_ijk_mm=(1, 1, 2.5)).build()
    found = read(tmp_path, volume, Region("A", [square(volume.grid, 3 + off, 1.5, 4.5)]))
    filled = found.segmentations[0].labels.any(axis=(1, 2))
    assert set(np.flatnonzero(filled).tolist()) == expected
    assert bool(found.notes) == (off > 0.2)


@pytest.mark.parametrize(("contour_mm", "slice_mm"), [(5.0, 2.0), (2.0, 5.0), (3.0, 2.9)])
def test_contours_of_a_coarser_or_finer_series_keep_their_volume(
    contour_mm: float, slice_mm: float, tmp_path: Path
) -> None:
    volume = a_volume((60, 32, 40), spacing_ijk_mm=(1, 1, slice_mm)).build()
    places = np.arange(20.3, 80, contour_mm)
    contours = [square(volume.grid, z / slice_mm, 1.5, 11.5) for z in places]
    found = read(tmp_path, volume, Region("A", contours))
    labels = found.segmentations[0].labels
    height_mm = np.count_nonzero(labels[:, 5, 5]) * slice_mm
    assert height_mm == pytest.approx(len(places) * contour_mm, abs=slice_mm)
    assert np.count_nonzero(labels) == 100 * np.count_nonzero(labels[:, 5, 5])
    assert "between the slices" in found.notes[0]


def test_a_lone_contour_between_slices_fills_the_slab_that_it_states(tmp_path: Path) -> None:
    volume = a_volume().build()
    region = Region("A", [square(volume.grid, 5.5, 1.5, 4.5)], slab_mm=4.0)
    labels = read(tmp_path, volume, region).segmentations[0].labels
    assert np.flatnonzero(labels.any(axis=(1, 2))).tolist() == [4, 5, 6, 7]


def test_what_encloses_nothing_is_named(tmp_path: Path) -> None:
    volume = a_volume().build()
    grid = volume.grid
    across = grid.world([(3, 3, 2), (8, 3, 2), (8, 3, 9), (3, 3, 9)])
    found = read(
        tmp_path,
        volume,
        Region("Good", [square(grid, 3, 1.5, 4.5), square(grid, 99, 1.5, 4.5)]),
        Region("Iso", [grid.world([(3, 3, 3)])], kind="POINT"),
        Region("Line", [square(grid, 3, 1.5, 4.5)], kind="OPEN_PLANAR"),
        Region("Sagittal", [across]),
        Region("Tiny", [square(grid, 3, 5.1, 5.2)]),
        Region("Empty", []),
    )
    assert [s.name for s in found.segmentations[0].segments] == ["Good"]
    text = " ".join(found.notes)
    assert "Good: 1 contour lies outside" in text
    assert "Iso is a point" in text
    assert "Line is an open line" in text
    assert "Sagittal: 1 contour lies across" in text
    assert "Tiny is too small" in text
    assert "Empty has no contour" in text


def test_slices_without_contours_between_others_are_counted(tmp_path: Path) -> None:
    volume = a_volume().build()
    contours = [square(volume.grid, k, 1.5, 4.5) for k in (3, 5, 6)]
    found = read(tmp_path, volume, Region("A", contours))
    assert not found.segmentations[0].labels[4].any()
    assert "1 slice between" in found.notes[0]


def test_contours_of_other_images_are_refused(tmp_path: Path) -> None:
    volume = a_volume().build()
    region = Region("A", [square(volume.grid, 3, 1.5, 4.5)])
    with pytest.raises(InputRefused, match="other images"):
        read(tmp_path, volume, region, frame="1.9.9")
    # A writer that states no frame of reference but names the series is believed.
    assert read(tmp_path, volume, region, frame="").segmentations


def test_a_region_of_another_frame_of_reference_is_left_out_by_name(tmp_path: Path) -> None:
    volume = a_volume().build()
    contour = [square(volume.grid, 3, 1.5, 4.5)]
    found = read(tmp_path, volume, Region("Here", contour), Region("There", contour, frame="1.9"))
    assert [s.name for s in found.segmentations[0].segments] == ["Here"]
    assert "There lies in another frame" in found.notes[0]


def test_layers_that_would_fill_the_memory_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = a_volume().build()
    monkeypatch.setattr(rtstruct_read, "_MOST_BYTES", 2 * volume.stored.size)
    contour = [square(volume.grid, 3, 1.5, 4.5)]
    assert len(read(tmp_path, volume, *[Region("A", contour)] * 2).segmentations) == 2
    with pytest.raises(OutOfResources, match="3 layers"):
        read(tmp_path, volume, *[Region("A", contour)] * 3)


def _numbers_twice(dataset: "Dataset") -> None:
    dataset.StructureSetROISequence.append(dataset.StructureSetROISequence[0])


def _odd_coordinates(dataset: "Dataset") -> None:
    dataset.ROIContourSequence[0].ContourSequence[0].ContourData = ["1", "2"]


def _no_numbers(dataset: "Dataset") -> None:
    del dataset.StructureSetROISequence[0].ROINumber


def _another_class(dataset: "Dataset") -> None:
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.481.5"


def _nothing(dataset: "Dataset") -> None:
    for keyword in ("StructureSetROISequence", "ROIContourSequence"):
        delattr(dataset, keyword)


def _far_too_many(dataset: "Dataset") -> None:
    dataset.StructureSetROISequence = [dataset.StructureSetROISequence[0]] * 300


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (_numbers_twice, Damaged),
        (_odd_coordinates, Damaged),
        (_no_numbers, Damaged),
        (_another_class, Unsupported),
        (_nothing, Unsupported),
        (_far_too_many, InputRefused),
    ],
)
def test_broken_sets_are_refused_in_words(
    spoil: "Callable[[Dataset], None]", error: type[ViewerError], tmp_path: Path
) -> None:
    volume = a_volume().build()
    dataset = structure_set([Region("A", [square(volume.grid, 3, 1.5, 4.5)])], volume)
    spoil(dataset)
    with pytest.raises(error) as caught:
        read_rtstruct(write(dataset, tmp_path / "rs.dcm"), volume)
    assert "Traceback" not in caught.value.sentence()
    assert caught.value.where == "rs.dcm"


def test_a_file_cut_anywhere_is_refused_or_read(tmp_path: Path) -> None:
    volume = a_volume().build()
    dataset = structure_set([Region("A", [square(volume.grid, 3, 1.5, 4.5)])], volume)
    data = write(dataset, tmp_path / "rs.dcm").read_bytes()
    whole = read_rtstruct(tmp_path / "rs.dcm", volume).segmentations[0].labels > 0
    refused = 0
    for n in range(0, len(data), 41):
        (tmp_path / "cut.dcm").write_bytes(data[:n])
        try:
            found = read_rtstruct(tmp_path / "cut.dcm", volume)
        except ViewerError:  # anything else fails the test
            refused += 1
        else:
            for layer in found.segmentations:
                assert not (layer.labels[~whole]).any(), "less may be shown, nothing else"
    assert refused > len(data) // 41 // 2


def test_real_structure_sets_equal_the_masks_of_their_makers(shared_data: Path) -> None:
    import SimpleITK as sitk

    from viewer.intake.decode import allocate
    from viewer.intake.scan import scan

    records = json.loads((shared_data / "expected.json").read_text())["contours"]
    checked = 0
    for record in records:
        mask = shared_data / record["mask"]
        if not mask.is_file():
            continue
        picture = allocate(scan([shared_data / record["image"]]).pictures[0])
        found = read_rtstruct(shared_data / record["rtstruct"], picture)
        assert len(found.segmentations) == 1
        ours = found.segmentations[0].labels > 0
        assert np.count_nonzero(ours) == record["voxels"]
        image = sitk.ReadImage(str(mask))
        theirs = sitk.GetArrayFromImage(image) > 0
        k, j, i = np.nonzero(ours)
        world = found.segmentations[0].grid.world(np.column_stack((i, j, k)))
        places = [image.TransformPhysicalPointToIndex(point) for point in world[::97].tolist()]
        assert all(theirs[place[::-1]] for place in places)
        assert np.count_nonzero(theirs) == record["voxels"]
        checked += 1
    assert checked >= 3


@pytest.mark.parametrize("text", ["1\\2\\x", "1\\2\\nan", "1\\\\2\\3", "1\\2\\1e999"])
def test_coordinates_that_are_no_numbers_are_refused(text: str, tmp_path: Path) -> None:
    volume = a_volume().build()
    dataset = structure_set([Region("A", [square(volume.grid, 3, 1.5, 4.5)])], volume)
    path = write(dataset, tmp_path / "rs.dcm")
    first = dataset.ROIContourSequence[0].ContourSequence[0].ContourData
    stated = "\\".join(str(value) for value in first).encode()
    data = path.read_bytes()
    assert stated in data
    path.write_bytes(data.replace(stated, text.encode().ljust(len(stated))))
    with pytest.raises(Damaged):
        read_rtstruct(path, volume)
