"""The pixels of a slice."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from viewer.domain.segmentation import Segment
from viewer.domain.volume import Volume, Window
from viewer.errors import InputRefused
from viewer.imaging.section import Section
from viewer.rendering.compose import Layer, Raster, compose
from viewer.rendering.palettes import PALETTES
from viewer.testing.builders import a_volume

WINDOW = Window(40, 400)
SHAPE = (12, 16)


def _volume(values: NDArray[np.int16]) -> Volume:
    return a_volume((1, *values.shape)).with_values(values).build()


def _section(values: NDArray[np.generic], **changes: object) -> Section:
    made = Section(values, np.eye(2, 3), (1.0, 1.0), 0, False, None)
    return replace(made, **changes)  # type: ignore[arg-type]


def _channels(rgb32: NDArray[np.uint32]) -> NDArray[np.int64]:
    return np.stack([(rgb32 >> shift) & 255 for shift in (16, 8, 0)], axis=-1).astype(np.int64)


@pytest.fixture
def ramp() -> NDArray[np.int16]:
    return np.arange(-200, -200 + 2 * SHAPE[0] * SHAPE[1], 2, dtype=np.int16).reshape(SHAPE)


def test_a_window_maps_its_ends_to_black_and_white(ramp: NDArray[np.int16]) -> None:
    ramp[0, 0], ramp[0, 1] = -3000, 3000
    pixels = compose(_section(ramp), _volume(ramp), WINDOW).rgb32
    assert (pixels[0, 0], pixels[0, 1]) == (0xFF000000, 0xFFFFFFFF)
    levels = _channels(pixels)
    assert (levels[..., 0] == levels[..., 1]).all()
    assert (np.diff(levels.reshape(-1, 3)[2:, 0]) >= 0).all()


def test_a_quantity_and_its_stored_values_look_the_same(ramp: NDArray[np.int16]) -> None:
    volume = _volume(ramp)
    stored = compose(_section(ramp), volume, WINDOW).rgb32
    section = _section(ramp.astype(np.float32), is_quantity=True, k=None)
    quantity = compose(section, volume, WINDOW).rgb32
    wide = compose(_section(ramp.astype(np.int32)), volume, WINDOW).rgb32
    np.testing.assert_array_equal(wide, stored)
    # Single precision may fall on the other side of a half.
    assert np.abs(_channels(quantity) - _channels(stored)).max() <= 1


def test_colour_passes_through_unchanged() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (*SHAPE, 3), dtype=np.uint8)
    volume = _volume(np.zeros(SHAPE, np.int16))
    pixels = compose(_section(rgb), volume, WINDOW, inverted=True).rgb32
    np.testing.assert_array_equal(_channels(pixels), rgb)
    assert (pixels >> 24 == 255).all()


def test_enhanced_values_are_shown_through_the_same_window(ramp: NDArray[np.int16]) -> None:
    volume = _volume(ramp)
    doubled = (ramp * 2).astype(np.float32)
    enhanced = compose(_section(ramp), volume, WINDOW, enhanced=doubled)
    expected = compose(_section((ramp * 2).astype(np.int16)), volume, WINDOW)
    assert np.abs(_channels(enhanced.rgb32) - _channels(expected.rgb32)).max() <= 1


def test_an_enhanced_picture_of_another_size_is_refused(ramp: NDArray[np.int16]) -> None:
    with pytest.raises(InputRefused, match="enhanced"):
        compose(_section(ramp), _volume(ramp), WINDOW, enhanced=np.zeros((3, 3), np.float32))


@pytest.mark.parametrize(
    "to_plane",
    [
        np.array([[1.0, 0, 0], [0, 1, 0]]),
        np.array([[-1.0, 0, 15], [0, 1, 0]]),
        np.array([[0.0, 1, 0], [1, 0, 0]]),
        np.array([[2.0, 0, -3.5], [0, 2, 0]]),
    ],
)
def test_left_of_the_divider_is_the_original_in_the_plane(
    ramp: NDArray[np.int16], to_plane: NDArray[np.float64]
) -> None:
    volume, white = _volume(ramp), np.full(SHAPE, 4000, np.float32)
    section = _section(ramp, to_plane=to_plane)
    split = compose(section, volume, WINDOW, enhanced=white, split_x=6.5).rgb32
    original = compose(section, volume, WINDOW).rgb32
    for y, x in np.ndindex(SHAPE):
        plane_x = float(to_plane[0] @ (x, y, 1))
        assert split[y, x] == (original[y, x] if plane_x < 6.5 else 0xFFFFFFFF)


def test_unread_slices_are_never_grey_and_the_outside_is_black(ramp: NDArray[np.int16]) -> None:
    coverage = np.ones(SHAPE, np.uint8)
    coverage[:, :4], coverage[:, 12:] = 0, 2
    bright = np.full(SHAPE, 3000, np.int16)
    pixels = compose(_section(bright, coverage=coverage), _volume(ramp), WINDOW).rgb32
    assert (pixels[:, :4] == 0xFF000000).all()
    assert (pixels[:, 4:12] == 0xFFFFFFFF).all()
    unread = _channels(pixels[:, 12:])
    assert (unread.max(axis=-1) < 64).all()
    assert (unread[..., 2] > unread[..., 0]).all()  # bluish, so no grey of any window
    assert len(np.unique(pixels[:, 12:])) == 2  # stripes


def test_a_fill_mixes_at_the_opacity_of_its_segment(ramp: NDArray[np.int16]) -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:5, 3:9], labels[8:, 1:4] = 1, 7
    colour = {1: (200, 30, 90), 7: (0, 255, 128)}
    opacity = {1: 0.3, 7: 0.75}
    segments = [Segment(n, "s", colour[n], opacity=opacity[n]) for n in colour]
    volume = _volume(ramp)
    below = _channels(compose(_section(ramp), volume, WINDOW).rgb32)
    layer = Layer.of(labels, segments)
    above = _channels(compose(_section(ramp), volume, WINDOW, layers=[layer]).rgb32)
    np.testing.assert_array_equal(above[labels == 0], below[labels == 0])
    for n, rgb in colour.items():
        mixed = below[labels == n] * (1 - opacity[n]) + np.array(rgb) * opacity[n]
        assert np.abs(above[labels == n] - mixed).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("palette", sorted(PALETTES))
def test_layers_lie_over_each_other_and_over_any_palette(
    ramp: NDArray[np.int16], palette: str
) -> None:
    first, second = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    first[1:8, 1:8], second[5:11, 5:14] = 1, 2
    layers = [
        Layer.of(first, [Segment(1, "a", (255, 0, 0), opacity=0.5)]),
        Layer.of(second, [Segment(2, "b", (0, 0, 255), opacity=0.25)]),
    ]
    volume = _volume(ramp)
    plain = compose(_section(ramp), volume, WINDOW, palette=palette)
    expected = _channels(plain.rgb32).astype(float)
    expected[first == 1] = np.rint(expected[first == 1] * 0.5 + np.array([255, 0, 0]) * 0.5)
    expected[second == 2] = expected[second == 2] * 0.75 + np.array([0, 0, 255]) * 0.25
    found = compose(_section(ramp), volume, WINDOW, palette=palette, layers=layers).rgb32
    assert np.abs(_channels(found) - expected).max() <= 1
    assert (found >> 24 == 255).all()


def test_invisible_segments_and_empty_layers_change_nothing(ramp: NDArray[np.int16]) -> None:
    labels = np.ones(SHAPE, np.uint8)
    hidden = Layer.of(labels, [Segment(1, "a", (255, 0, 0), visible=False)])
    empty = Layer.of(np.zeros(SHAPE, np.uint8), [Segment(1, "a", (255, 0, 0))])
    volume = _volume(ramp)
    plain = compose(_section(ramp), volume, WINDOW).rgb32
    found = compose(_section(ramp), volume, WINDOW, layers=[hidden, empty]).rgb32
    np.testing.assert_array_equal(found, plain)


def test_composing_leaves_voxels_and_cached_tables_alone(ramp: NDArray[np.int16]) -> None:
    volume, before = _volume(ramp), ramp.copy()
    layer = Layer.of(np.ones(SHAPE, np.uint8), [Segment(1, "a", (255, 0, 0))])
    first = compose(_section(ramp), volume, WINDOW).rgb32.copy()
    compose(_section(ramp), volume, WINDOW, layers=[layer])
    np.testing.assert_array_equal(compose(_section(ramp), volume, WINDOW).rgb32, first)
    np.testing.assert_array_equal(ramp, before)


def test_a_reduced_raster_keeps_brightness_and_place() -> None:
    rgb32 = np.full((7, 10), 0xFF404040, np.uint32)
    rgb32[:, 5:] = 0xFFC0C0C0
    raster = Raster(rgb32, np.array([[0.25, 0, 3.0], [0, 0.5, 1.0]]))
    small = raster.reduced(4, 2)
    assert small.rgb32.shape == (4, 3)
    assert small is raster.reduced(4, 2)
    # The first block's middle is column 1.5 and row 0.5 of the large raster.
    np.testing.assert_allclose(small.to_plane @ (0, 0, 1), raster.to_plane @ (1.5, 0.5, 1))
    np.testing.assert_allclose(small.to_plane @ (2, 3, 1), raster.to_plane @ (9.5, 6.5, 1))
    assert abs(int(_channels(small.rgb32)[0, 1, 0]) - (0x40 + 3 * 0xC0) / 4) <= 1


def test_a_hatched_segment_leaves_the_picture_between_its_stripes() -> None:
    labels = np.full((24, 36), 1, dtype=np.uint8)
    labels[:, 18:] = 2
    kept = labels.copy()
    segments = [Segment(1, "a", (255, 0, 0), hatched=True), Segment(2, "b", (0, 0, 255))]
    layer = Layer.of(labels, segments)
    assert np.array_equal(labels, kept)
    assert np.array_equal(layer.labels[:, 18:], labels[:, 18:])
    striped = layer.labels[:, :18]
    assert set(np.unique(striped).tolist()) == {0, 1}
    assert np.mean(striped == 1) == 0.5
    # diagonal: a step across and a step up stays on the same stripe
    assert np.array_equal(striped[:-1, 1:], striped[1:, :-1])
    assert Layer.of(labels, segments[1:]).labels is labels
