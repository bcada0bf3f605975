"""The verbs of the enhancement, as both doors trigger them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from viewer.actions.context import Context
from viewer.actions.enhance import chain_of
from viewer.actions.registry import actions, perform
from viewer.command_line.host import command_context
from viewer.errors import InputRefused, ViewerError
from viewer.imaging.derived import CHAIN, FROM
from viewer.intake.decode import load
from viewer.intake.scan import scan
from viewer.jobs.job import Ticket
from viewer.jobs.runner import QueueBridge, Runner
from viewer.phantom.chest import PhantomStudy
from viewer.session import deriving


@pytest.fixture
def context(study: Path) -> Iterator[Context]:
    """A context without a window that shows the built-in study."""
    with command_context() as found:
        found.pictures.add(scan((study,)))
        (key,) = found.pictures.sources
        found.pictures.loaded[key] = load(found.pictures.sources[key])
        found.viewing.show(found.pictures.loaded[key])
        yield found


def _with_jobs(context: Context) -> QueueBridge:
    """Give the context jobs whose results come when the test pumps them."""
    bridge = QueueBridge()
    context.jobs.close()
    context.jobs = Runner(bridge.post)
    return bridge


def _finish(context: Context, bridge: QueueBridge) -> None:
    while context.jobs.active:
        assert bridge.pump(30.0)


def test_filters_are_offered_under_their_groups(context: Context) -> None:
    choices = actions()["enhance.add"].choices
    assert choices is not None
    found = choices(context)
    assert {choice.parameters["filter"] for choice in found} == set(context.extensions.filters)
    assert all(choice.group for choice in found)


def test_a_preset_replaces_the_chain_in_one_step_and_tells_its_caution(context: Context) -> None:
    perform(context, "enhance.add", filter="clahe")
    before = chain_of(context)
    perform(context, "enhance.preset", preset="low_dose_lung_ct")
    assert chain_of(context).is_active
    assert chain_of(context) != before
    notices: Any = context.door
    assert "Ground glass" in notices.notices[-1].text
    perform(context, "edit.undo")
    assert chain_of(context) == before
    with pytest.raises(InputRefused):
        perform(context, "enhance.preset", preset="nothing")


def test_the_chain_is_kept_as_a_preset_of_its_modality(context: Context) -> None:
    perform(context, "enhance.add", filter="gaussian")
    perform(context, "enhance.save_preset", name="Mine")
    perform(context, "enhance.clear")
    perform(context, "enhance.preset", preset="mine")
    assert [step.key for step in chain_of(context).steps] == ["gaussian"]
    choices = actions()["enhance.delete_preset"].choices
    assert choices is not None
    assert [choice.title for choice in choices(context)] == ["Mine"]
    perform(context, "enhance.delete_preset", preset="mine")
    assert not choices(context)


def test_a_failed_filter_is_switched_off_with_its_reason_and_can_be_tried_again(
    context: Context,
) -> None:
    perform(context, "enhance.add", filter="gaussian")
    perform(context, "enhance.add", filter="clahe")
    perform(context, "enhance.give_up", filter="gaussian", reason="Gaussian: it failed.")
    assert [step.on for step in chain_of(context).steps] == [False, True]
    notices: Any = context.door
    assert "it failed" in notices.notices[-1].text
    perform(context, "edit.undo")
    assert [step.on for step in chain_of(context).steps] == [True, True]


@pytest.mark.parametrize("kind", ["flicker", "side", "difference"])
def test_a_comparison_is_switched_on_and_off(context: Context, kind: str) -> None:
    with pytest.raises(ViewerError, match="No filter"):
        perform(context, f"enhance.{kind}")
    perform(context, "enhance.add", filter="gaussian")
    perform(context, f"enhance.{kind}")
    assert context.viewing.look.compare == kind
    perform(context, f"enhance.{kind}")
    assert context.viewing.look.compare == ""


def test_a_series_is_made_shown_and_written_with_its_origin(
    context: Context, tmp_path: Path
) -> None:
    bridge = _with_jobs(context)
    source = context.need_picture()
    perform(context, "enhance.add", filter="gaussian")
    with pytest.raises(ViewerError, match="not made here"):
        perform(context, "export.derived", path=tmp_path / "out")
    perform(context, "enhance.series")
    _finish(context, bridge)
    made = context.need_picture()
    assert made.identity.acquired_text(FROM) == source.key
    assert made.identity.acquired_text(CHAIN).startswith("gaussian:")
    assert "[Gaussian]" in context.pictures.sources[made.key].title
    assert made.quantity.block(made.stored).std() < source.quantity.block(source.stored).std()
    perform(context, "export.derived", path=tmp_path / "out")
    _finish(context, bridge)
    again = load(scan((tmp_path / "out",)).pictures[0])
    assert np.array_equal(again.stored, made.stored)
    perform(context, "export.derived_nifti", path=tmp_path / "out.nii.gz")
    assert (tmp_path / "out.nii.gz").is_file()


def test_a_series_can_be_cancelled_and_leaves_nothing(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(_picture: Any, _chain: Any, _filters: Any, ticket: Ticket, **_: Any) -> None:
        while True:
            ticket.check()

    monkeypatch.setattr(deriving, "enhanced_volume", endless)
    bridge = _with_jobs(context)
    perform(context, "enhance.add", filter="gaussian")
    before = set(context.pictures.sources)
    perform(context, "enhance.series")
    context.jobs.cancel_all()
    _finish(context, bridge)
    assert set(context.pictures.sources) == before


def _ellipse(context: Context, sample: PhantomStudy, at_ijk: tuple[float, ...]) -> None:
    plane = context.viewing.look.planes["axial"]
    centre = sample.grid.world(at_ijk)
    axes = (plane.right * 14.0, plane.down * 14.0)
    points = [centre, centre + axes[0], centre + axes[1]]
    perform(context, "measure.add", kind="ellipse", points_lps_mm=[p.tolist() for p in points])


def test_measurements_read_stored_voxels_whatever_the_chain(
    context: Context, sample: PhantomStudy
) -> None:
    n_k, n_j, n_i = sample.grid.shape_kji
    middle = (n_i / 2, n_j / 2, float(n_k // 2))
    _ellipse(context, sample, middle)
    perform(context, "enhance.add", filter="gaussian")
    perform(context, "enhance.set", index=0, parameter="sigma_mm", value=5.0)
    _ellipse(context, sample, middle)
    one, two = context.session.state.measurements
    assert one.quantities == two.quantities
    assert one.receipt.n_voxels == two.receipt.n_voxels
    assert "stored voxels" in two.receipt.interpolation


def test_figures_of_merit_are_told_for_an_ellipse_and_its_background(
    context: Context, sample: PhantomStudy
) -> None:
    told: list[str] = []
    context.door.show_text = lambda title, text: told.append(f"{title}\n{text}")  # type: ignore[method-assign]
    with pytest.raises(ViewerError, match="Draw an ellipse"):
        perform(context, "enhance.figures")
    n_k, n_j, n_i = sample.grid.shape_kji
    _ellipse(context, sample, (n_i / 2, n_j / 2, float(n_k // 2)))
    _ellipse(context, sample, (n_i / 3, n_j / 2, float(n_k // 2)))
    context.viewing.set(active_pane="axial")
    perform(context, "enhance.add", filter="gaussian")
    perform(context, "enhance.figures")
    text = told[0]
    for word in ("Contrast to noise", "Signal to noise", "Edge", "SSIM", "PSNR", "Noise power"):
        assert word in text
    assert "no measurements of a patient" in text
