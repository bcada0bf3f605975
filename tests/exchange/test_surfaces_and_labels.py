"""Surfaces and label files out and in, against VTK, SimpleITK, nibabel and closed forms."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.exchange.cases import SHAPE_KJI, a_volume_on, grids
from viewer.domain.geometry import Grid
from viewer.domain.quantity import Code
from viewer.domain.segmentation import Segment, Segmentation
from viewer.errors import InputRefused, ViewerError
from viewer.exchange.label_files import read_label_file
from viewer.exchange.mesh import write_mesh
from viewer.exchange.nifti import write_labels_nifti
from viewer.exchange.seg_nrrd import read_seg_nrrd, write_seg_nrrd
from viewer.imaging.surface import VOLUME_TOLERANCE, enclosed_mm3, surface
from viewer.testing.builders import a_segmentation, a_volume, rotation

LIVER = Code("10200004", "SCT", "Liver")
SHAPES = {
    "sphere": lambda p: (p**2).sum(-1) <= 8**2,
    "ellipsoid": lambda p: ((p / np.array([9.0, 6, 5])) ** 2).sum(-1) <= 1,
    "torus": lambda p: (np.hypot(p[..., 0], p[..., 1]) - 7) ** 2 + p[..., 2] ** 2 <= 9,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 0.7, 1.5)])
@pytest.mark.parametrize("turned", [False, True])
def test_surfaces_enclose_the_masks_volume_within_the_named_bound(
    shape: str, spacing: tuple[float, float, float], turned: bool
) -> None:
    directions = rotation((1, 2, 3), 25) @ np.diag([1.0, 1, -1]) if turned else np.eye(3)
    grid = Grid.from_axes((26, 34, 36), spacing_ijk_mm=spacing, directions=directions)
    k, j, i = np.indices(grid.shape_kji)
    mask = SHAPES[shape](grid.world(np.stack((i, j, k), axis=-1)) - grid.centre_lps_mm)
    points, triangles = surface(mask, grid)
    volume = mask.sum() * grid.voxel_volume_mm3
    assert enclosed_mm3(points, triangles) == pytest.approx(volume, rel=VOLUME_TOLERANCE)
    edges = np.sort(
        np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    )
    _, count = np.unique(edges, axis=0, return_counts=True)
    assert (count == 2).all()  # closed
    centre = grid.world(np.argwhere(mask)[:, ::-1]).mean(axis=0)
    assert np.allclose(points.mean(axis=0), centre, atol=0.5)


def a_layer(name: str = "oblique") -> Segmentation:
    volume = a_volume_on(grids()[name])
    mask = np.zeros(SHAPE_KJI, dtype=bool)
    mask[1:4, 2:5, 2:7] = True
    layer = a_segmentation(volume, mask)
    labels = layer.labels.copy()
    labels[2, 3, 3:5] = 7
    segments = (*layer.segments, Segment(7, "Leber, links", (1, 200, 3), code=LIVER))
    return replace(layer, labels=labels, segments=segments)


@pytest.mark.parametrize("kind", ["stl", "obj", "ply"])
def test_vtk_reads_the_same_surface(kind: str, tmp_path: Path) -> None:
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOGeometry import vtkOBJReader, vtkSTLReader
    from vtkmodules.vtkIOPLY import vtkPLYReader

    layer = a_layer("sheared")
    saved = write_mesh(layer, layer.segments[0], tmp_path / f"a.{kind}")
    reader = {"stl": vtkSTLReader, "obj": vtkOBJReader, "ply": vtkPLYReader}[kind]()
    reader.SetFileName(str(saved.path))
    reader.Update()
    mesh = reader.GetOutput()
    points = vtk_to_numpy(mesh.GetPoints().GetData()).astype(np.float64)
    ids = vtk_to_numpy(mesh.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    expected, triangles = surface(layer.labels == 1, layer.grid)
    assert len(ids) == len(triangles)
    assert np.allclose(points[ids], expected[triangles], atol=1e-3)


def test_an_empty_segment_or_another_name_makes_no_surface(tmp_path: Path) -> None:
    layer = a_layer()
    with pytest.raises(InputRefused, match="ends in"):
        write_mesh(layer, layer.segments[0], tmp_path / "a.vtk")
    empty = replace(layer, labels=np.zeros_like(layer.labels))
    with pytest.raises(InputRefused, match="empty"):
        write_mesh(empty, layer.segments[0], tmp_path / "a.stl")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", grids())
def test_a_seg_nrrd_comes_back_with_names_colours_codes_and_place(
    name: str, tmp_path: Path
) -> None:
    layer = a_layer(name)
    saved = write_seg_nrrd(layer, tmp_path / "a.seg.nrrd")
    (again,) = read_label_file(saved.path, a_volume_on(layer.grid)).segmentations
    assert np.array_equal(again.labels, layer.labels)
    assert [(s.number, s.name, s.colour, s.code) for s in again.segments] == [
        (s.number, s.name, s.colour, s.code) for s in layer.segments
    ]


SLICER = """NRRD0004
# Complete NRRD file format specification at: http://teem.sourceforge.net/nrrd/format.html
type: unsigned char
dimension: 4
space: right-anterior-superior
sizes: 2 2 2 2
space directions: none (-1,0,0) (0,-1,0) (0,0,2)
kinds: list domain domain domain
encoding: raw
space origin: (-1,-2,4)
Segment0_ID:=Segment_1
Segment0_Name:=Over
Segment0_Color:=1 0 0.5
Segment0_LabelValue:=1
Segment0_Layer:=0
Segment1_ID:=Segment_2
Segment1_Name:=Under
Segment1_Color:=0 1 0
Segment1_LabelValue:=1
Segment1_Layer:=1
"""


def test_a_file_as_3d_slicer_writes_it_with_two_layers_and_an_offset(tmp_path: Path) -> None:
    values = np.zeros((2, 2, 2, 2), dtype=np.uint8)
    values[0, 0, 1, 0] = 1  # layer 0 at i 1
    values[1, 1, 1, 1] = 1  # layer 1 at i 1, j 1, k 1
    path = tmp_path / "s.seg.nrrd"
    path.write_bytes(SLICER.encode() + b"\n" + values.tobytes())
    volume = a_volume((5, 6, 7), spacing_ijk_mm=(1.0, 1.0, 2.0)).build()
    first, second = read_label_file(path, volume).segmentations
    assert np.argwhere(first.labels).tolist() == [[2, 2, 2]]  # x = 1 + 1, y = 2, z = 4
    assert np.argwhere(second.labels).tolist() == [[3, 3, 2]]
    assert [s.segments[0].name for s in (first, second)] == ["Over", "Under"]
    assert first.segments[0].colour == (255, 0, 128)
    assert first.segments[0].number != second.segments[0].number


def test_another_grid_is_offered_resampling_and_the_loss_is_said(tmp_path: Path) -> None:
    fine = a_volume((12, 20, 20)).build()
    mask = np.zeros((12, 20, 20), dtype=bool)
    mask[2:9, 4:15, 5:14] = True
    path = tmp_path / "a.nii.gz"
    write_labels_nifti(a_segmentation(fine, mask), path)
    coarse = a_volume((6, 10, 10), spacing_ijk_mm=(2.0, 2.0, 2.0), origin_lps_mm=(0.5, 0.5, 0.5))
    with pytest.raises(InputRefused, match="another grid"):
        read_label_file(path, coarse.build())
    read = read_label_file(path, coarse.build(), resample=True)
    assert "0.693 mL" in read.notes[0]
    volume = (read.segmentations[0].labels == 1).sum() * 8
    assert volume == pytest.approx(mask.sum(), rel=0.35)


def test_a_file_elsewhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.seg.nrrd"
    write_seg_nrrd(a_layer(), path)
    with pytest.raises(InputRefused, match="another patient"):
        read_label_file(path, a_volume((3, 4, 5), origin_lps_mm=(9000, 0, 0)).build())


def test_more_than_255_segments_are_one_sentence(tmp_path: Path) -> None:
    import nibabel

    values = np.arange(512, dtype=np.int16).reshape(8, 8, 8)
    make: type = nibabel.Nifti1Image
    nibabel.save(make(values, np.diag([-1.0, -1, 1, 1])), tmp_path / "a.nii")
    with pytest.raises(InputRefused, match="511 segments are more than 255"):
        read_label_file(tmp_path / "a.nii", a_volume((8, 8, 8)).build())


@pytest.mark.parametrize("cut", [0, 10, 200, 900, -1, -20])
def test_a_cut_or_hostile_file_is_refused_in_a_sentence(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "a.seg.nrrd"
    write_seg_nrrd(a_layer(), path)
    data = path.read_bytes()
    path.write_bytes(data[:cut])
    with pytest.raises(ViewerError):
        read_seg_nrrd(path)
    path.write_bytes(data.replace(b"sizes: 9 7 5", b"sizes: 9999999 9999999 9999999"))
    with pytest.raises(ViewerError):
        read_seg_nrrd(path)
