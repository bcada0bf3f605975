"""What is said on the picture itself."""

import numpy as np
import pytest

from viewer.domain.geometry import Grid, acquired_plane
from viewer.domain.volume import Display, ValueMap, Volume
from viewer.rendering.primitives import Text
from viewer.session.presentation import Presenter
from viewer.session.session import Session
from viewer.session.viewing import Viewing
from viewer.testing.builders import a_volume


def marks(volume: Volume, pane: str = "axial", *, acquired: bool = False) -> set[str]:
    viewing = Viewing()
    viewing.show(volume)
    if acquired:
        plane = acquired_plane(volume.grid, (300, 300), volume.grid.shape_kji[0] // 2)
        viewing.set(planes={**viewing.look.planes, pane: plane})
    shown = Presenter(Session(), viewing, {}).present(volume, pane)
    return {p.text for p in shown.primitives if isinstance(p, Text) and p.box_outline}


def tilted(degrees: float) -> Volume:
    plain = a_volume((12, 24, 24), spacing_ijk_mm=(1, 1, 3)).build()
    affine = plain.grid.ijk_to_lps.copy()
    affine[1, 2] = 3 * np.tan(np.radians(degrees))
    return Volume(
        "1.2",
        plain.stored,
        Grid(plain.grid.shape_kji, affine),
        ValueMap.identity(12),
        Display(),
        plain.identity,
    )


@pytest.mark.parametrize(("degrees", "pane"), [(14.0, "coronal"), (14.0, "sagittal")])
def test_planes_through_a_tilted_gantrys_slices_say_that_they_are_resampled(
    degrees: float, pane: str
) -> None:
    assert "RESAMPLED" in marks(tilted(degrees), pane)


def test_acquired_slices_and_upright_volumes_are_not_resampled() -> None:
    assert "RESAMPLED" not in marks(tilted(14.0), acquired=True)
    upright = a_volume((12, 24, 24)).build()
    for pane in ("axial", "coronal", "sagittal"):
        assert "RESAMPLED" not in marks(upright, pane)
