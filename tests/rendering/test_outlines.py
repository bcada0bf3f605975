"""Outlines of segments."""

from dataclasses import replace

import numpy as np
import pytest

from viewer.domain.geometry import fitted_plane
from viewer.domain.measurement import Review
from viewer.domain.segmentation import OriginKind, Segmentation
from viewer.imaging.section import label_section, section
from viewer.rendering.outlines import Outline, outlines_of, segment_outlines
from viewer.rendering.palettes import AI
from viewer.testing.builders import a_segmentation, a_volume

SIZE = (200, 160)
VOLUME = a_volume((9, 20, 30), spacing_ijk_mm=(2.0, 1.0, 3.0)).build()
PLANE = fitted_plane(VOLUME.grid, "axial", SIZE)


def _segmentation(kind: OriginKind = OriginKind.HAND) -> Segmentation:
    mask = np.zeros(VOLUME.grid.shape_kji, bool)
    mask[3:6, 5:13, 10:18] = True
    return a_segmentation(VOLUME, mask, kind=kind)


def _outlines(segmentation: Segmentation) -> tuple[Outline, ...]:
    cut = section(VOLUME, PLANE)
    return outlines_of(label_section(segmentation, PLANE, cut), cut, segmentation)


def test_an_outline_encloses_its_voxels_in_the_plane() -> None:
    (outline,) = _outlines(_segmentation())
    points = PLANE.world(np.concatenate(outline.polygons))
    index = VOLUME.grid.index(points)
    assert index[:, 0].min() == pytest.approx(9.5, abs=0.3)
    assert index[:, 0].max() == pytest.approx(17.5, abs=0.3)
    assert index[:, 1].min() == pytest.approx(4.5, abs=0.3)
    assert index[:, 1].max() == pytest.approx(12.5, abs=0.3)


def test_lines_are_two_pixels_wide_closed_and_in_the_segments_colour() -> None:
    segmentation = _segmentation()
    (line,) = segment_outlines(_outlines(segmentation), PLANE)
    assert line.closed
    assert line.width_px == 2
    assert line.colour == segmentation.segments[0].colour
    assert not line.dashed


def test_a_networks_outline_is_dashed_violet_until_accepted() -> None:
    proposal = _segmentation(OriginKind.NETWORK)
    (line,) = segment_outlines(_outlines(proposal), PLANE)
    assert (line.dashed, line.colour) == (True, AI)
    done = replace(proposal.segments[0], review=Review.ACCEPTED)
    (line,) = segment_outlines(_outlines(replace(proposal, segments=(done,))), PLANE)
    assert (line.dashed, line.colour) == (False, done.colour)


@pytest.mark.parametrize("change", [{"visible": False}, {"outline": False}])
def test_hidden_segments_have_no_outline(change: dict[str, bool]) -> None:
    segmentation = _segmentation()
    hidden = replace(segmentation.segments[0], **change)  # type: ignore[arg-type]
    assert _outlines(replace(segmentation, segments=(hidden,))) == ()


def test_a_slice_without_the_segment_has_no_outline() -> None:
    away = PLANE.moved(-12.0)
    cut = section(VOLUME, away)
    segmentation = _segmentation()
    assert outlines_of(label_section(segmentation, away, cut), cut, segmentation) == ()


def test_patient_polygons_and_plane_polygons_give_the_same_line() -> None:
    (outline,) = _outlines(_segmentation())
    in_patient = tuple(PLANE.world(polygon) for polygon in outline.polygons)
    as_patient = segment_outlines([replace(outline, polygons=in_patient)], PLANE)
    as_plane = segment_outlines([outline], PLANE)
    np.testing.assert_allclose(as_patient[0].points, as_plane[0].points, atol=1e-9)
