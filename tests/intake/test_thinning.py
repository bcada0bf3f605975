"""Every n-th slice of a picture: the same voxels at the same places, and a finding that says so."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.intake.writing import a_series
from viewer.domain.finding import Severity
from viewer.domain.uneven import SlicePlaces
from viewer.errors import InputRefused, OutOfResources
from viewer.exchange.nifti import write_values_nifti
from viewer.intake import decode
from viewer.intake.decode import allocate, fitting_step, load
from viewer.intake.limits import KEPT_FREE_BYTES
from viewer.intake.scan import PictureSource, scan
from viewer.intake.thinning import step_that_fits, thinned


@pytest.fixture
def source(tmp_path: Path) -> PictureSource:
    def change(dataset: object, k: int) -> None:
        dataset.RescaleSlope = k + 1  # type: ignore[attr-defined]

    a_series(tmp_path / "series", 10, change=change)
    (found,) = scan([tmp_path / "series"]).pictures
    return found


@pytest.mark.parametrize("every", [2, 3, 7, 9])
def test_kept_slices_keep_their_voxels_values_and_places(source: PictureSource, every: int) -> None:
    whole, part = load(source), load(thinned(source, every))
    np.testing.assert_array_equal(part.stored, whole.stored[::every])
    for k in range(part.grid.shape_kji[0]):
        np.testing.assert_allclose(
            part.grid.world((1, 2, k)), whole.grid.world((1, 2, k * every)), atol=1e-9
        )
        np.testing.assert_array_equal(
            part.quantity.slice_values(part.stored[k], k),
            whole.quantity.slice_values(whole.stored[k * every], k * every),
        )
        assert part.identity.instances[k] == whole.identity.instances[k * every]
    assert part.key != whole.key
    assert part.findings[0].severity is Severity.WARNING
    assert f"{part.grid.shape_kji[0]} of 10" in part.findings[0].text


def test_what_lies_on_an_image_goes_with_it(source: PictureSource) -> None:
    """Bitmaps, shutters, regions and places are of one slice each: none may land on another."""
    marks: tuple[Any, ...] = tuple(range(10))
    marked = replace(
        source,
        display=replace(source.display, overlays_k=marks, shutters_k=marks),
        regions_k=marks,
        places=SlicePlaces((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), tuple(map(float, marks))),
    )
    part = thinned(marked, 3)
    for found in (part.display.overlays_k, part.display.shutters_k, part.regions_k):
        assert tuple(found) == marks[::3]
    assert part.places is not None
    assert part.places.depths_mm == (0.0, 3.0, 6.0, 9.0)


def test_a_raw_volume_is_thinned_and_a_packed_one_is_refused(
    source: PictureSource, tmp_path: Path
) -> None:
    for name in ("v.nii", "v.nii.gz"):
        write_values_nifti(load(source), tmp_path / name)
    (raw,) = scan([tmp_path / "v.nii"]).pictures
    whole, part = load(raw), load(thinned(raw, 3))
    np.testing.assert_array_equal(part.stored, whole.stored[::3])
    assert part.grid.shape_kji[0] == 4
    (packed,) = scan([tmp_path / "v.nii.gz"]).pictures
    assert step_that_fits(packed, packed.n_bytes // 2) is None
    with pytest.raises(InputRefused, match="packed"):
        thinned(packed, 2)


def test_one_is_all_and_too_many_are_refused(source: PictureSource) -> None:
    assert thinned(source, 1) is source
    for every in (0, -2, 10, 1000):
        with pytest.raises(InputRefused, match="Of 10 slices"):
            thinned(source, every)


@pytest.mark.parametrize(
    ("slices_free", "step"), [(10, 1), (9, 2), (5, 2), (4, 3), (2, 5), (1, None), (0, None)]
)
def test_the_step_is_the_smallest_that_fits(
    source: PictureSource, slices_free: int, step: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = KEPT_FREE_BYTES + slices_free * source.n_bytes // 10
    monkeypatch.setattr(decode, "available_bytes", lambda: free)
    assert fitting_step(source) == step
    if step is not None:
        assert allocate(thinned(source, step)).stored.nbytes <= free - KEPT_FREE_BYTES


def test_the_refusal_names_both_sizes_and_offers_what_fits(
    source: PictureSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = KEPT_FREE_BYTES + source.n_bytes // 2
    monkeypatch.setattr(decode, "available_bytes", lambda: free)
    with pytest.raises(OutOfResources, match=r"needs .* GB, .* GB are free\.") as refused:
        allocate(source)
    assert refused.value.remedy.startswith("Open every second slice, or close")
    monkeypatch.setattr(decode, "available_bytes", lambda: KEPT_FREE_BYTES)
    with pytest.raises(OutOfResources) as refused:
        allocate(source)
    assert refused.value.remedy == "Close other series or programs."
