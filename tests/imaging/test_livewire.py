"""The live wire keeps to edges whose place is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.errors import InputRefused
from viewer.imaging.livewire import LiveWire, thinned, without_spurs

_ROWS, _COLUMNS = np.indices((120, 140))
_AWAY = np.hypot(_ROWS - 60.3, _COLUMNS - 70.7)
DISC = np.where(_AWAY < 35, 300.0, -50.0) + np.random.default_rng(4).normal(0, 10, _AWAY.shape)


@pytest.mark.parametrize("angle", range(0, 360, 45))
def test_a_quarter_of_a_circle_is_followed_within_a_pixel(angle: int) -> None:
    ends = [
        (60.3 + 35 * np.sin(turn), 70.7 + 35 * np.cos(turn))
        for turn in np.radians([angle, angle + 90])
    ]
    wire = LiveWire(DISC.astype(np.float32))
    wire.start(*ends[0])
    path = wire.path_to(*ends[1])
    radius = np.hypot(path[:, 0] - 60.3, path[:, 1] - 70.7)
    assert np.abs(radius - 35).max() < 1.6
    chord = np.hypot(*(np.array(ends[1]) - ends[0]))
    assert len(path) > 1.05 * chord / np.sqrt(2), "it went along the rim, not across"


@given(
    st.tuples(st.floats(-9, 130), st.floats(-9, 150)),
    st.tuples(st.floats(-9, 130), st.floats(-9, 150)),
)
def test_a_path_is_whole_and_ends_where_it_was_sent(
    start: tuple[float, float], end: tuple[float, float]
) -> None:
    wire = LiveWire(DISC)
    wire.start(*start)
    path = wire.path_to(*end)
    inside = [(min(max(round(r), 0), 119), min(max(round(c), 0), 139)) for r, c in (start, end)]
    assert [tuple(path[0]), tuple(path[-1])] == inside
    assert np.abs(np.diff(path, axis=0)).max(initial=0) <= 1


def test_the_window_says_which_edges_count() -> None:
    """A faint rim inside a bright picture: followed when the window shows it."""
    picture = np.where(_AWAY < 30, 40.0, 20.0) + np.where(_COLUMNS > 135, 3000.0, 0.0)
    wire = LiveWire(picture, limits=(0, 60))
    wire.start(60.3, 100.7)
    path = wire.path_to(90.3, 70.7)
    radius = np.hypot(path[:, 0] - 60.3, path[:, 1] - 70.7)
    assert np.abs(radius - 30).max() < 1.6


def test_what_is_not_known_is_no_edge() -> None:
    picture = DISC.copy()
    picture[:20] = np.nan
    wire = LiveWire(picture)
    wire.start(95.3, 70.7)
    assert np.isfinite(wire.path_to(60.3, 105.7)).all()


@pytest.mark.parametrize("plane", [np.zeros((1, 9)), np.full((9, 9), np.nan), np.zeros((2, 2, 2))])
def test_a_plane_without_edges_to_find_is_refused(plane: np.ndarray) -> None:
    with pytest.raises(InputRefused):
        LiveWire(plane)


def test_a_wire_without_a_start_is_refused() -> None:
    with pytest.raises(InputRefused, match="begins with a click"):
        LiveWire(DISC).path_to(3, 3)


def test_thinning_stays_within_its_tolerance() -> None:
    turn = np.linspace(0, np.pi, 200)
    path = np.column_stack((40 * np.cos(turn), 40 * np.sin(turn)))
    kept = thinned(path, 0.5)
    assert len(kept) < 30
    assert np.array_equal(kept[[0, -1]], path[[0, -1]].astype(np.float32))
    middles = (kept[1:] + kept[:-1]) / 2
    assert np.abs(np.hypot(*middles.T) - 40).max() <= 0.5 + 1e-3


def test_a_way_there_and_back_is_left_out() -> None:
    square = [(float(x), 0.0) for x in range(9)] + [(8.0, float(y)) for y in range(1, 9)]
    square += [(float(x), 8.0) for x in range(7, -1, -1)] + [
        (0.0, float(y)) for y in range(7, 0, -1)
    ]
    spur = [(8.0 + n, 4.0) for n in (1, 2, 3, 2, 1, 0)]
    loop = np.array([*square[:13], *spur, *square[13:]])
    assert np.array_equal(without_spurs(loop, 0.5), np.array(square))
    assert np.array_equal(without_spurs(np.array(square), 0.5), np.array(square))
