"""The main job, by the same actions that menus trigger, on files."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.studies import SEED
from viewer.actions.context import Context
from viewer.actions.registry import perform
from viewer.domain.measurement import Review
from viewer.errors import InputRefused
from viewer.exchange.seg import read_seg
from viewer.exchange.sr import read_sr
from viewer.exchange.tables import read_json
from viewer.imaging.agreement import lesion_matches
from viewer.phantom.chest import PhantomStudy
from viewer.window.driving import settle, wait_for_jobs, wait_until
from viewer.window.start import Program

_LONG_S = 180.0


def opened(program: Program, study: Path) -> None:
    perform(program.context, "file.open_paths", paths=(study,))
    wait_for_jobs(program, _LONG_S, "opening")


def test_a_study_is_opened_and_its_ledger_balances(
    program: Program, study: Path, sample: PhantomStudy
) -> None:
    opened(program, study)
    picture = program.context.need_picture()
    assert np.array_equal(picture.stored.astype(np.int32) - 1024, sample.values_hu)
    assert np.allclose(picture.grid.ijk_to_lps, sample.grid.ijk_to_lps, atol=1e-6)
    assert program.window.status.ledger.text() == "40 files = 1 shown + 39 grouped + 0 refused"
    assert program.context.viewing.look.windows[picture.key].width == 1500


def test_enhancement_is_marked_undone_and_never_measured(program: Program, study: Path) -> None:
    opened(program, study)
    context = program.context
    centre = context.need_picture().grid.centre_lps_mm
    points = centre + np.array([(0.0, 0.0, 0.0), (9.0, 0.0, 0.0), (0.0, 9.0, 0.0)])
    first = perform(context, "measure.add", kind="ellipse", points_lps_mm=points)
    perform(context, "enhance.add", filter="gaussian")
    perform(context, "enhance.set", index=0, parameter="sigma_mm", value=4.0)
    perform(context, "enhance.set", index=0, parameter="sigma_mm", value=3.0)
    settle()
    wait_until(lambda: not program.window.live.enhancer.is_busy, _LONG_S, "the filter")
    program.window.refresh_now()
    settle()
    presented = program.window.grid.slices["axial"].presented
    assert presented is not None
    texts = [getattr(p, "text", "") for p in presented.primitives]
    assert any(text.startswith("ENHANCED") for text in texts)
    second = perform(context, "measure.add", kind="ellipse", points_lps_mm=points)
    state = context.session.state
    assert state.measurement(first).quantities == state.measurement(second).quantities
    perform(context, "edit.undo")
    perform(context, "edit.undo")  # both drags of the slider are one step
    assert context.session.state.chain(context.need_picture().key).steps[0].values() == {
        "sigma_mm": 0.8
    }


@pytest.fixture
def found(program: Program, study: Path) -> Program:
    opened(program, study)
    perform(program.context, "ai.run", network="lesions")
    wait_for_jobs(program, _LONG_S, "the network")
    return program


def accept_all(context: Context) -> int:
    """Accept every segment of the active layer; return how many."""
    layer, chosen = context.need_segment()
    for segment in layer.segments:
        context.viewing.set(segment_number=segment.number)
        perform(context, "ai.accept")
    context.viewing.set(segment_number=chosen.number)
    return len(layer.segments)


def test_the_network_is_corrected_measured_exported_and_read_back(
    found: Program, sample: PhantomStudy, tmp_path: Path
) -> None:
    context = found.context
    result = context.segmentation
    assert result is not None, [notice.text for notice in found.door.notices]
    assert result.is_immutable
    assert lesion_matches(result.labels, sample.labels).hit
    assert all(segment.scores for segment in result.segments)
    before = result.labels.copy()

    perform(context, "ai.accept")
    assert context.need_segment()[1].review is Review.ACCEPTED
    perform(context, "ai.edit_copy")
    copy, segment = context.need_segment()
    assert copy.parent_uid == result.uid
    centre = context.viewing.look.crosshair_lps_mm
    n_before = np.count_nonzero(copy.labels == segment.number)
    perform(
        context,
        "paint.stroke",
        points_lps_mm=(centre, (centre[0] + 15, centre[1], centre[2])),
        radius_mm=5.0,
    )
    assert np.count_nonzero(copy.labels == segment.number) > n_before
    perform(context, "edit.undo")
    assert np.count_nonzero(copy.labels == segment.number) == n_before
    assert np.array_equal(result.labels, before), "the network's own voxels have changed"

    with pytest.raises(InputRefused, match="Nobody has reviewed"):
        perform(context, "export.seg", path=tmp_path / "a.dcm")
    accept_all(context)
    perform(context, "measure.all_segments")
    measured = context.session.state.measurements
    assert len(measured) == 2 * len(copy.segments)
    for verb, name in (
        ("export.seg", "a.dcm"),
        ("export.sr", "b.dcm"),
        ("export.csv", "c.csv"),
        ("export.json", "d.json"),
        ("export.png", "e.png"),
    ):
        assert perform(context, verb, path=tmp_path / name) is not None
    again = read_seg(tmp_path / "a.dcm", context.need_picture())
    assert np.array_equal(again.labels, copy.labels)
    assert {m.uid for m in read_sr(tmp_path / "b.dcm")} == {m.uid for m in measured}
    assert {m.quantities for m in read_json(tmp_path / "d.json")} == {
        m.quantities for m in measured
    }
    assert (tmp_path / "e.png").read_bytes().startswith(b"\x89PNG")


def test_our_own_results_come_back_the_same(found: Program, tmp_path: Path) -> None:
    context = found.context
    n_accepted = accept_all(context)
    perform(context, "measure.all_segments")
    perform(context, "export.seg", path=tmp_path / "a.dcm")
    perform(context, "export.json", path=tmp_path / "d.json")
    state = context.session.state
    for _ in range(2 + n_accepted):
        perform(context, "edit.undo")
    assert not context.session.state.segmentations
    perform(context, "file.import_results", path=tmp_path / "a.dcm")
    perform(context, "file.import_results", path=tmp_path / "d.json")
    now = context.session.state
    assert np.array_equal(now.segmentations[0].labels, state.segmentations[0].labels)
    names = [segment.name for segment in now.segmentations[0].segments]
    assert names == [segment.name for segment in state.segmentations[0].segments]
    assert now.measurements == state.measurements


def test_the_first_segment_of_an_imported_layer_is_chosen_and_shown(
    found: Program, tmp_path: Path
) -> None:
    context = found.context
    perform(context, "export.unreviewed", kind="seg", path=tmp_path / "a.dcm")
    perform(context, "edit.undo")
    assert context.segmentation is None
    perform(context, "segment.new")
    perform(context, "file.import_results", path=tmp_path / "a.dcm")
    layer, segment = context.need_segment()
    assert layer == context.session.state.segmentations[-1]
    assert segment == layer.segments[0]
    grid = layer.grid
    i, j, k = np.rint(grid.index(context.viewing.look.crosshair_lps_mm)).astype(int)
    assert layer.labels[k, j, i] == segment.number


def test_an_export_never_replaces_a_file_unasked(found: Program, tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(b"somebody's")
    found.window.performing.perform("export.seg", path=tmp_path / "a.dcm")
    assert (tmp_path / "a.dcm").read_bytes() == b"somebody's"
    assert found.door.notices[-1].kind == "warning"


def test_measurements_of_other_images_are_not_taken_in(
    program: Program, study: Path, sample: PhantomStudy, tmp_path: Path
) -> None:
    from viewer.phantom.dicom import write_series

    opened(program, study)
    context = program.context
    centre = context.need_picture().grid.centre_lps_mm
    perform(context, "measure.add", kind="distance", points_lps_mm=[centre, centre + 5.0])
    for verb, name in (("export.sr", "b.dcm"), ("export.json", "d.json")):
        perform(context, verb, path=tmp_path / name)
    write_series(sample.values_hu[::-1], sample.grid, tmp_path / "other", seed=SEED + 1)
    opened(program, tmp_path / "other")
    for name in ("b.dcm", "d.json"):
        program.window.performing.perform("file.import_results", path=tmp_path / name)
        assert "other images" in program.window.notices.notices[-1].text
    key = context.need_picture().key
    assert not [m for m in context.session.state.measurements if m.volume_key == key]
