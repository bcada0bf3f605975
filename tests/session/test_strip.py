"""Ticks stand where scrolling meets the slice, whatever the series' own order."""

from dataclasses import replace

import numpy as np
import pytest

from viewer.domain.finding import Finding, Severity
from viewer.domain.geometry import Grid
from viewer.domain.volume import Volume
from viewer.session.strip import findings_text, said_at, slice_places, strip_of
from viewer.session.viewing import Viewing, position_of
from viewer.testing.builders import a_volume


def shown(*, reverse: bool, images: tuple[int, ...] = ()) -> tuple[Volume, Viewing]:
    volume = a_volume((9, 12, 10), spacing_ijk_mm=(1.0, 1.0, 3.0)).build()
    if reverse:
        affine = volume.grid.ijk_to_lps.copy()
        affine[:3, 3] = volume.grid.world((0, 0, 8))
        affine[:3, 2] *= -1
        volume = replace(volume, grid=Grid(volume.grid.shape_kji, affine))
    found = Finding(Severity.WARNING, "CT", "Odd images.", "Ask.", images)
    volume = replace(volume, findings=(found,))
    viewing = Viewing()
    viewing.show(volume)
    return volume, viewing


@pytest.mark.parametrize("reverse", [False, True])
def test_a_tick_stands_where_its_slice_is_scrolled_to(reverse: bool) -> None:
    volume, viewing = shown(reverse=reverse, images=(2,))
    viewing.scroll_to(volume, "axial", 0.0)
    found, tick = {}, -1.0
    for _ in range(9):
        plane = viewing.look.planes["axial"]
        image = position_of(volume.grid, plane, "axial")
        strip = strip_of(volume, plane, "axial", image)
        assert strip is not None
        k = round(float(volume.grid.index(plane.centre_lps_mm)[2]))
        found[k] = strip.place
        ((tick, _severity),) = strip.ticks
        viewing.scroll(volume, "axial", 1)
    assert len(found) == 9
    assert found[2] == pytest.approx(tick)


def test_a_pane_across_the_slices_has_no_ticks() -> None:
    volume, viewing = shown(reverse=False, images=(2,))
    plane = viewing.look.planes["coronal"]
    assert slice_places(volume, plane, "coronal") is None
    strip = strip_of(volume, plane, "coronal", (3, 12))
    assert strip is not None
    assert strip.ticks == ()
    assert said_at(volume, plane, "coronal", 40.0) == ""


def test_slices_that_were_not_read_are_stretches() -> None:
    volume, viewing = shown(reverse=False)
    volume.loaded_k[:] = True
    volume.loaded_k[[0, 1, 8]] = False
    plane = viewing.look.planes["axial"]
    order = slice_places(volume, plane, "axial")
    strip = strip_of(volume, plane, "axial", (1, 9))
    assert order is not None
    assert strip is not None
    expected = [sorted((order[0], order[1])), [order[8], order[8]]]
    np.testing.assert_allclose(strip.unread, expected)


def test_a_finding_is_read_with_its_images_and_files() -> None:
    volume, viewing = shown(reverse=False, images=(2, 3))
    instances = tuple(
        replace(one, path=f"/data/IM{n:04d}") for n, one in enumerate(volume.identity.instances)
    )
    volume = replace(volume, identity=replace(volume.identity, instances=instances))
    text = findings_text(volume)
    assert text.splitlines()[0] == "warning: Odd images."
    assert "image 3: IM0002" in text
    assert "image 4: IM0003" in text
    plane = viewing.look.planes["axial"]
    order = slice_places(volume, plane, "axial")
    assert order is not None
    from viewer.rendering.strip import Span

    row = Span.of(plane.size_px[1]).row(float(order[2]))
    assert "IM0002" in said_at(volume, plane, "axial", row)
    assert said_at(volume, plane, "axial", Span.of(plane.size_px[1]).row(float(order[7]))) == ""
