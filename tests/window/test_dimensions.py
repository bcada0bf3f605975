"""Files of two and of four dimensions, in the real window drawn off-screen."""

from pathlib import Path

import numpy as np
import pytest

from tests.intake.volumes import itk_image, write_itk
from viewer.actions.registry import perform
from viewer.window.driving import settle, wait_for_jobs
from viewer.window.start import Program


def opened(program: Program, place: Path) -> Program:
    perform(program.context, "file.open_paths", paths=(place,))
    wait_for_jobs(program, 120, "opening")
    return program


def test_a_single_slice_is_shown_and_measured_without_a_warning(
    program: Program, tmp_path: Path
) -> None:
    values = np.arange(20 * 24, dtype=np.int16).reshape(1, 20, 24)
    context = opened(program, write_itk(tmp_path / "two.nii", itk_image(values))).context
    grid = context.need_picture().grid
    assert grid.shape_kji == (1, 20, 24)
    assert "do not form a volume" in program.window.grid.scene.message
    perform(
        context,
        "measure.add",
        kind="distance",
        points_lps_mm=[grid.world((2, 3, 0)), grid.world((6, 3, 0))],
    )
    assert context.session.state.measurements[0].quantities[0].value == pytest.approx(6.0)
    program.window.refresh_now()
    settle()
    assert [n.text for n in program.door.notices if n.kind != "done"] == []


def test_a_real_file_without_slices_is_shown(program: Program, tmp_path: Path) -> None:
    """SimpleITK writes two dimensions as such: ``dim[0]`` is 2."""
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(np.arange(20 * 24, dtype=np.int16).reshape(20, 24))
    context = opened(program, write_itk(tmp_path / "flat.nii", image)).context
    assert context.need_picture().grid.shape_kji == (1, 20, 24)
    assert [n.text for n in program.door.notices if n.kind != "done"] == []


def test_the_volumes_of_a_functional_series_are_visited_in_their_order(
    program: Program, shared_data: Path
) -> None:
    place = shared_data / "geometry" / "volumes_nibabel" / "functional.nii"
    context = opened(program, place).context
    labels = [entry.source.label for entry in context.pictures.entries()]
    assert labels == [f"volume {n}" for n in range(1, 21)]
    for wanted in (2, 3):
        perform(context, "file.next_series")
        wait_for_jobs(program, 60, "reading")
        assert context.pictures.sources[context.need_picture().key].label == f"volume {wanted}"
    assert [n.text for n in program.door.notices if n.kind != "done"] == []
