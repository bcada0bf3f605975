"""The contract of every filter, shipped or installed."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from viewer.domain.chain import Chain, Setting, Step
from viewer.domain.methods import WHOLE, Asked, Filter, Parameter, PlaneContext, VolumeContext
from viewer.errors import Unsupported, ViewerError
from viewer.extensions.discover import load_extensions
from viewer.imaging.enhancing import enhanced
from viewer.jobs.job import Cancelled, Ticket

Values = NDArray[np.float32]
EXTENSIONS = load_extensions()
EVERYTHING = tuple(EXTENSIONS.filters.values())
VOLUME_ONLY = {"temporal_mean"}
FILTERS = tuple(filter_ for filter_ in EVERYTHING if filter_.key not in VOLUME_ONLY)
IN_SPACE = tuple(filter_ for filter_ in EVERYTHING if filter_.volume_function is not None)
OF_MAGNITUDES = {"rician", "lee", "frost", "srad", "n4"}  # negative values are refused by name
CONTEXTS = (
    PlaneContext((0.7, 0.7), "[hnsf'U]"),
    PlaneContext((5.0, 0.4), "[hnsf'U]"),
    PlaneContext((0.1, 0.1), "1"),
)
CT = CONTEXTS[0]
NOISE = np.random.default_rng(8).normal(40, 30, (33, 41)).astype(np.float32)
EVERY_FILTER = pytest.mark.parametrize("filter_", FILTERS, ids=lambda f: f.key)
EVERY_VOLUME = pytest.mark.parametrize("filter_", IN_SPACE, ids=lambda f: f.key)
NAMED_BY_THE_ISSUE = {
    *("z_score", "min_max", "percentile_range", "white_stripe", "nyul", "stretch", "gamma"),
    *("sigmoid", "equalise", "match", "clahe", "local_contrast", "flatten", "homomorphic"),
    *("detail_boost", "retina_vessels", "gaussian", "mean", "median", "adaptive_median", "wiener"),
    *("wiener_spectrum", "bilateral", "guided", "nlm", "tv", "perona_malik", "curvature_flow"),
    *("wavelet", "rician", "lee", "frost", "srad", "temporal_mean", "unsharp", "high_boost"),
    *("laplacian", "log", "dog", "sobel", "prewitt", "scharr", "roberts", "canny", "frangi"),
    *("sato", "meijering", "blobness", "gabor", "top_hat", "bottom_hat", "gradient", "n4"),
    *("rings", "stripes", "deblur_motion", "deblur_wiener", "richardson_lucy", "metal_clip"),
    *("dead_pixels", "low_pass", "high_pass", "band_pass", "notch", "spectrum"),
}
# How much a smooth noiseless picture may change (share of its range; root mean square), where
# changing it is not the filter's very purpose.
HARM = {
    **dict.fromkeys(("median", "adaptive_median", "dead_pixels", "stripes", "rings"), 0.002),
    **dict.fromkeys(("wiener", "wiener_spectrum", "bilateral", "guided", "nlm", "tv"), 0.005),
    **dict.fromkeys(("perona_malik", "wavelet", "rician", "metal_clip"), 0.005),
    **dict.fromkeys(("gaussian", "mean", "curvature_flow", "lee", "low_pass", "unsharp"), 0.02),
    **dict.fromkeys(("frost", "srad", "high_boost", "notch"), 0.03),
    **dict.fromkeys(("deblur_wiener", "deblur_motion", "richardson_lucy"), 0.06),
}


def _extremes(parameter: Parameter) -> tuple[Setting, ...]:
    if parameter.kind == "bool":
        return False, True
    if parameter.kind == "choice":
        return parameter.choices
    return parameter.low, parameter.high


def _all_extremes(filter_: Filter) -> list[dict[str, Any]]:
    keys = [parameter.key for parameter in filter_.parameters]
    values = product(*(_extremes(parameter) for parameter in filter_.parameters))
    return [dict(zip(keys, chosen, strict=True)) for chosen in values]


def _some_extremes(filter_: Filter) -> list[dict[str, Any]]:
    """Return the usual settings, all at their least, and all at their most."""
    if not filter_.parameters:
        return [{}]
    every = _all_extremes(filter_)
    return [{}, every[0], every[-1]]


def _taken(filter_: Filter, values: Values) -> Values:
    return np.abs(values) if filter_.key in OF_MAGNITUDES else values


def _run(filter_: Filter, values: Values, context: PlaneContext = CT, **settings: Any) -> Values:
    found = filter_.function(values, filter_.checked(settings), context)
    assert found.shape == values.shape
    assert found.dtype == np.float32
    return found


def _is_map(filter_: Filter) -> bool:
    """Tell whether an even picture gives an even one of another level: edges, normalisation."""
    even = np.full((16, 16), 100, dtype=np.float32)
    return bool(filter_.unit_after) or not np.allclose(_run(filter_, even), even)


def test_every_filter_that_was_asked_for_is_there() -> None:
    assert {filter_.key for filter_ in EVERYTHING} >= NAMED_BY_THE_ISSUE
    assert EXTENSIONS.findings == ()


@pytest.mark.parametrize("filter_", EVERYTHING, ids=lambda f: f.key)
def test_a_filter_says_what_it_is_for_and_what_it_can_fake(filter_: Filter) -> None:
    for sentence in (filter_.purpose, filter_.caution):
        assert sentence.endswith(".")
        assert ". " not in sentence.replace("e.g. ", "")
        assert 20 < len(sentence) < 120
    assert filter_.title
    assert filter_.source
    assert filter_.key.isidentifier()
    assert filter_.group in ("Intensity", "Noise", "Edges", "Artifacts", "Frequency")


@pytest.mark.parametrize("filter_", EVERYTHING, ids=lambda f: f.key)
def test_defaults_lie_within_their_ranges_and_on_their_steps(filter_: Filter) -> None:
    assert filter_.checked({}) == filter_.defaults()
    for parameter in filter_.parameters:
        if parameter.kind in ("float", "int"):
            assert parameter.low < parameter.high
            assert parameter.step > 0


def test_titles_are_told_apart() -> None:
    assert len({filter_.title for filter_ in EVERYTHING}) == len(EVERYTHING)


@EVERY_FILTER
def test_finite_stays_finite_at_every_extreme(filter_: Filter) -> None:
    values = _taken(filter_, NOISE)
    for chosen in _all_extremes(filter_) if filter_.key != "n4" else ({},):
        assert np.isfinite(_run(filter_, values, **chosen)).all()
    for context, chosen in product(CONTEXTS[1:], _some_extremes(filter_)[-1:]):
        assert np.isfinite(_run(filter_, values, context, **chosen)).all()


@EVERY_FILTER
def test_a_constant_picture_stays_constant(filter_: Filter) -> None:
    for value, settings in product((0.0, -1024.0, 900.0, 1e6, 1e-6), _some_extremes(filter_)):
        if value > 1e5 and filter_.key == "metal_clip":
            continue  # a picture of metal alone
        flat = _taken(filter_, np.full((17, 23), value, dtype=np.float32))
        found = _run(filter_, flat, **settings)
        if _is_map(filter_):
            assert np.all(found == 0)
        else:
            assert np.allclose(found, flat, rtol=1e-5)


@EVERY_FILTER
def test_tiny_pictures_survive(filter_: Filter) -> None:
    for shape in ((1, 1), (1, 9), (9, 1), (2, 3), (3, 2), (8, 7)):
        values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
        for settings in _some_extremes(filter_):
            assert np.isfinite(_run(filter_, values, **settings)).all()
        assert np.isfinite(_run(filter_, values, CONTEXTS[1])).all()


@EVERY_FILTER
def test_values_of_any_size_survive_or_are_refused(filter_: Filter) -> None:
    for scale in (1e-42, 1e-30, 1e30, 3e37):
        values = _taken(filter_, (np.sign(NOISE - 40) * scale).astype(np.float32))
        try:
            found = enhanced(values, Chain((Step.of(filter_.key),)), {filter_.key: filter_}, CT)
        except ViewerError:
            assert scale > 1e37
            continue
        assert np.isfinite(found).all()


@EVERY_FILTER
def test_a_small_contrast_on_a_large_value_survives(filter_: Filter) -> None:
    values = np.float32(1e7) + (NOISE > 40).astype(np.float32)
    assert np.isfinite(_run(filter_, values)).all()


@EVERY_FILTER
def test_the_picture_that_came_in_is_not_changed(filter_: Filter) -> None:
    values = _taken(filter_, NOISE.copy())
    before = values.copy()
    values.setflags(write=False)
    found = _run(filter_, values)
    assert np.array_equal(values, before)
    assert not np.shares_memory(found, values)


@EVERY_FILTER
def test_a_picture_whose_rows_are_not_contiguous_is_taken(filter_: Filter) -> None:
    values = _taken(filter_, NOISE)
    wide = np.repeat(values, 2, axis=1)[:, ::2]
    assert _run(filter_, wide) == pytest.approx(_run(filter_, values), rel=1e-4, abs=1e-3)


@EVERY_FILTER
def test_whole_numbers_of_any_storage_give_what_their_floats_give(filter_: Filter) -> None:
    whole = np.rint(np.abs(NOISE)).clip(0, 255)
    expected = _run(filter_, whole.astype(np.float32))
    for dtype in (np.uint8, np.uint16):
        stored = whole.astype(dtype)
        # OpenCV adds in another order at another alignment in memory.
        found = _run(filter_, stored.astype(np.float32))
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-3)


@EVERY_FILTER
def test_a_missing_value_stays_missing_and_spoils_nothing_else(filter_: Filter) -> None:
    values = _taken(filter_, NOISE.copy())
    values[5, 7], values[20:23, 30:33] = np.nan, np.inf
    found = enhanced(values, Chain((Step.of(filter_.key),)), {filter_.key: filter_}, CT)
    assert np.array_equal(np.isnan(found), ~np.isfinite(values))


def _clean() -> Values:
    """Return smooth tissue with a disk of soft rim, all values positive, no noise."""
    y, x = np.mgrid[:96, :96].astype(np.float32)
    slope = 400 + 60 * np.sin(x / 25) + 40 * np.cos(y / 30)
    rim = 1 / (1 + np.exp((np.hypot(x - 48, y - 44) - 22) / 2.5))
    return np.asarray(slope + 400 * rim, dtype=np.float32)


@pytest.mark.parametrize("key", sorted(HARM))
def test_a_clean_picture_is_harmed_no_more_than_the_named_bound(key: str) -> None:
    clean = _clean()
    change = _run(EXTENSIONS.filters[key], clean) - clean
    assert float(np.sqrt(np.mean(change**2))) <= HARM[key] * float(np.ptp(clean))


@EVERY_FILTER
def test_far_pixels_change_nothing_within_the_stated_reach(filter_: Filter) -> None:
    """Whoever computes a part of a picture must know how much more to hand over."""
    if filter_.key == "clahe":
        return  # its range is that of the whole picture
    draw = np.random.default_rng(3)
    context = PlaneContext((1.0, 1.0), "1")
    for settings in _some_extremes(filter_):
        reach = filter_.reach_px(filter_.checked(settings), context)
        if reach == WHOLE:
            continue  # what depends on the whole picture says so
        values = _taken(filter_, draw.normal(0, 1, (60 + reach, 40)).astype(np.float32))
        values[0, :2] = 0, 4  # the range is that of both
        whole = _run(filter_, values, context, **settings)
        part = _run(filter_, values[: 20 + reach], context, **settings)
        assert np.abs(whole[:20] - part[:20]).max() < 1e-3


@EVERY_FILTER
def test_a_filter_refuses_negative_values_by_name_or_takes_them(filter_: Filter) -> None:
    if filter_.key in OF_MAGNITUDES:
        with pytest.raises(ViewerError, match="negative"):
            _run(filter_, NOISE)


def test_the_unit_of_an_edge_map_is_said() -> None:
    filters = EXTENSIONS.filters
    assert filters["sobel"].result_unit("[hnsf'U]") == "[hnsf'U]/mm"
    assert filters["frangi"].result_unit("[hnsf'U]") == "1"
    assert filters["gaussian"].result_unit("[hnsf'U]") == "[hnsf'U]"


SPACE = VolumeContext((2.5, 0.7, 0.7), "[hnsf'U]")
BLOCK = np.abs(np.random.default_rng(9).normal(400, 30, (9, 20, 24))).astype(np.float32)


def _in_space(filter_: Filter, values: Values, ticket: Asked | None = None) -> Values:
    assert filter_.volume_function is not None
    found = filter_.volume_function(values, filter_.checked({}), SPACE, ticket or Ticket())
    assert found.shape == values.shape
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    return found


@EVERY_VOLUME
def test_a_volume_is_filtered_and_not_changed(filter_: Filter) -> None:
    values = BLOCK.copy()
    values.setflags(write=False)
    found = _in_space(filter_, values)
    assert not np.shares_memory(found, values)
    assert np.array_equal(values, BLOCK)


@EVERY_VOLUME
def test_a_volume_of_one_slice_or_one_value_survives(filter_: Filter) -> None:
    if filter_.key != "n4":
        _in_space(filter_, BLOCK[:1])
    even = np.full((9, 12, 12), 7.0, dtype=np.float32)
    found = _in_space(filter_, even)
    assert np.ptp(found) < 1e-4


@EVERY_VOLUME
def test_work_on_a_volume_can_be_cancelled(filter_: Filter) -> None:
    ticket = Ticket()
    ticket.cancel()
    with pytest.raises(Cancelled):
        _in_space(filter_, BLOCK, ticket)


def test_a_filter_over_time_says_that_one_image_has_none() -> None:
    with pytest.raises(Unsupported, match="several frames"):
        _run(EXTENSIONS.filters["temporal_mean"], NOISE)
