"""Uneven slices made even: exact on what is linear, acquired slices as they are, gaps named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.domain.finding import Severity
from viewer.domain.geometry import Grid
from viewer.domain.uneven import SlicePlaces
from viewer.domain.volume import Display, ImageStack, ValueMap
from viewer.errors import InputRefused
from viewer.imaging.even import even_grid, evenly_spaced
from viewer.testing.builders import a_volume


def a_stack(depths: list[float], *, slope: float = 1.0) -> tuple[ImageStack, SlicePlaces]:
    """Return slices whose value is 10 x depth + column, and where they lie."""
    plain = a_volume((len(depths), 4, 5)).build()
    stored = 10 * np.array(depths)[:, None, None] + np.arange(5.0) + np.zeros((1, 4, 1))
    n_k = len(depths)
    quantity = ValueMap(np.full(n_k, slope), np.full(n_k, -24.0), "[hnsf'U]", "HU")
    stack = ImageStack(
        "1.2",
        np.rint(stored).astype(np.int16),
        Grid.from_axes((n_k, 4, 5)),
        quantity,
        Display(),
        plain.identity,
    )
    places = SlicePlaces((1.0, 2.0, 3.0), (0.5, 0, 0), (0, 0.6, 0), (0, 0, 1), tuple(depths))
    return stack, places


@given(
    st.lists(st.sampled_from([0.8, 0.9, 1.0, 1.1, 1.2, 2.0]), min_size=3, max_size=20),
    st.sampled_from([1.0, 0.5]),
)
def test_what_rises_evenly_is_exact_everywhere(steps: list[float], slope: float) -> None:
    depths = np.concatenate(([0.0], np.cumsum(steps)))
    stack, places = a_stack([round(float(d), 6) for d in depths], slope=slope)
    volume = evenly_spaced(stack, places)
    k, _, i = np.indices(volume.grid.shape_kji)
    step = volume.grid.spacing_ijk_mm[2]
    depth = np.minimum(k * step, depths[-1])
    expected = slope * (10 * depth + i) - 24
    found = volume.stored.astype(np.float64)
    # Stored values are whole numbers, and so are the result's where the slope is 1.
    np.testing.assert_allclose(found, expected, atol=1.01)


def test_acquired_slices_come_through_unchanged_at_their_places() -> None:
    stack, places = a_stack([0.0, 1.0, 2.0, 4.0, 5.0])
    volume = evenly_spaced(stack, places)
    assert volume.grid.shape_kji == (6, 4, 5)
    for slice_k, depth in enumerate(places.depths_mm):
        k = round(depth)
        np.testing.assert_array_equal(volume.stored[k], stack.stored[slice_k] - 24)
        np.testing.assert_allclose(volume.grid.world((0, 0, k)), (1, 2, 3 + depth), atol=1e-12)
    np.testing.assert_array_equal(
        volume.stored[3] * 2, volume.stored[2].astype(int) + volume.stored[4]
    )


def test_gaps_make_it_unsafe_and_unevenness_alone_a_warning() -> None:
    gapped = evenly_spaced(*a_stack([0.0, 1.0, 2.0, 4.0, 5.0]))
    assert gapped.findings[0].severity is Severity.UNSAFE
    assert gapped.is_unsafe
    assert "2.00 mm" in gapped.findings[0].text
    uneven = evenly_spaced(*a_stack([0.0, 1.0, 2.1, 3.0, 4.1]))
    assert uneven.findings[0].severity is Severity.WARNING
    assert uneven.identity.acquired_text("resampled") == "yes"
    assert uneven.identity.instances == ()


def test_slices_that_are_mostly_gap_are_refused() -> None:
    _, places = a_stack([0.0, 1.0, 2.0, 300.0])
    with pytest.raises(InputRefused, match="made up"):
        even_grid(places, (4, 4, 5))
