"""Every segmentation method against a shape that is known, and against another implementation."""

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from plugins.segment.clusters import fuzzy_memberships, kmeans_centres
from plugins.segment.grow_cut import shortest
from viewer.domain.segmenters import Segmenter, SegmentRequest, SegmentResult
from viewer.errors import InputRefused, ViewerError
from viewer.extensions.discover import load_extensions
from viewer.imaging.agreement import dice
from viewer.imaging.segmenting import segmented
from viewer.jobs.job import Cancelled, Ticket
from viewer.phantom.chest import make_sample

METHODS = load_extensions(["plugins.segment"]).segmenters
SPACING = (2.0, 1.0, 1.0)
CENTRE, RADIUS_MM = (8, 20, 22), 9.0

# Parameters under which each method finds a ball of 100 in a ground of 0 with noise of SD 8.
BALL: Mapping[str, Mapping[str, Any]] = {
    "threshold": {"low": 50.0, "high": 400.0},
    "otsu": {},
    "percentile": {"low_percent": 94.9},
    "hysteresis": {"weak": 50.0, "strong": 80.0},
    "local_threshold": {"radius_mm": 40.0, "k": 0.3, "offset": 28.0},
    "pet_percent": {"percent": 41.0},
    "fixed_suv": {"suv": 50.0, "smallest_ml": 0.5},
    "region_growing": {"tolerance": 45.0},
    "confidence_growing": {"factor": 3.5},
    "neighbourhood_growing": {"tolerance": 45.0, "radius_mm": 1.0},
    "watershed": {"smoothing_mm": 1.0},
    "random_walker": {"margin_mm": 16.0},
    "split_merge": {"evenness": 60.0, "tolerance": 30.0},
    "grow_cut": {"margin_mm": 30.0},
    "kmeans": {"clusters": 2, "cluster": 2},
    "fuzzy_cmeans": {"clusters": 2, "cluster": 2},
    "gaussian_mixture": {"clusters": 2, "cluster": 2},
    "supervoxels": {"size_mm": 12.0},
    "closed_edges": {"operator": "Canny", "strength": 0.3},
    "chan_vese": {"rounds": 60},
    "geodesic_contour": {"rounds": 120, "balloon": 1, "edge_weight": 1000.0},
    "level_set": {"rounds": 300, "growth": 1.0, "curvature": 0.2},
    "between_slices": {},
}
# These look at the segment alone, not at values: asked for below, by what they are for.
OF_SEGMENTS = {"between_slices"}
IN_SUV = {"fixed_suv": "{SUVbw}g/ml"}
OF_VALUES = sorted(set(METHODS) - OF_SEGMENTS)
# Super-voxels are as coarse as they are; a geodesic contour comes to rest before the edge.
AT_LEAST = {"supervoxels": 0.75, "geodesic_contour": 0.85}
IN_A_PLANE = {"split_merge", "closed_edges", "supervoxels"}


def ball(shape: tuple[int, int, int] = (17, 40, 44)) -> tuple[NDArray[np.float32], NDArray[Any]]:
    grid = np.ogrid[tuple(slice(0, n) for n in shape)]
    squares = [((axis - at) * mm) ** 2 for axis, at, mm in zip(grid, CENTRE, SPACING, strict=True)]
    truth = sum(squares) <= RADIUS_MM**2
    noise = np.random.default_rng(3).normal(0, 8, shape)
    return np.asarray(np.where(truth, 100, 0) + noise, dtype=np.float32), np.asarray(truth)


def request_of(values: NDArray[np.float32], **fields: Any) -> SegmentRequest:
    given = {"inside": (CENTRE,), "outside": ((2, 3, 3), (14, 36, 40)), **fields}
    return SegmentRequest(values, SPACING, "1", "CT", **given)


def run(key: str, request: SegmentRequest, **parameters: Any) -> SegmentResult:
    request = replace(request, unit=IN_SUV.get(key, request.unit))
    return segmented(request, METHODS[key], {**BALL[key], **parameters}, Ticket())


@pytest.mark.parametrize("key", OF_VALUES)
def test_each_method_finds_a_ball_in_noise(key: str) -> None:
    values, truth = ball()
    if key in IN_A_PLANE:
        values, truth = values[8:9], truth[8:9]
        request = request_of(values, inside=((0, 20, 22), (0, 15, 18), (0, 25, 26)), outside=())
    else:
        request = request_of(values)
    before = values.copy()
    result = run(key, request)
    assert dice(result.mask, truth) > AT_LEAST.get(key, 0.9), result.notes
    assert np.array_equal(values, before)
    if result.membership is not None:
        assert float(result.membership.min()) >= 0
        assert float(result.membership.max()) <= 1


@pytest.mark.parametrize("key", OF_VALUES)
def test_nothing_lies_where_it_is_not_allowed_or_not_known(key: str) -> None:
    values, _ = ball()
    values, seed = values[8:9].copy(), (0, 20, 22)
    allowed = np.ones(values.shape, dtype=bool)
    allowed[:, :, :18] = False
    values[:, 30:, :] = np.nan
    result = run(key, request_of(values, inside=(seed,), outside=((0, 3, 40),), allowed=allowed))
    assert not (result.mask & ~allowed).any()
    assert not result.mask[:, 30:].any()


@pytest.mark.parametrize("key", OF_VALUES)
def test_a_constant_image_is_answered_or_refused_in_words(key: str) -> None:
    values = np.full((1, 24, 24), 7.0, dtype=np.float32)
    request = request_of(values, inside=((0, 12, 12),), outside=((0, 2, 2),))
    with contextlib.suppress(InputRefused):
        assert run(key, request).mask.shape == values.shape


@pytest.mark.parametrize("key", sorted(METHODS))
def test_a_method_says_what_it_needs_and_what_it_is(key: str) -> None:
    method = METHODS[key]
    assert method.key == key
    assert all(text.endswith(".") for text in (method.purpose, method.caution))
    if method.needs:
        bare = SegmentRequest(ball()[0][8:9] if 2 in method.dimensions else ball()[0], SPACING)
        with pytest.raises(InputRefused, match="needs"):
            segmented(bare, method, {}, Ticket())


@pytest.mark.parametrize("key", ["chan_vese", "level_set", "grow_cut", "confidence_growing"])
def test_a_cancelled_method_stops(key: str) -> None:
    ticket = Ticket()
    ticket.cancel()
    with pytest.raises(Cancelled):
        segmented(request_of(ball()[0]), METHODS[key], BALL[key], ticket)


def test_a_fixed_suv_asks_for_suv_and_takes_the_clicked_places() -> None:
    values = np.zeros((6, 20, 20), dtype=np.float32)
    values[2:4, 3:6, 3:6] = 4.0
    values[2:4, 12:18, 12:18] = 9.0
    bare = SegmentRequest(values, (2.0, 2.0, 2.0), "Bq/ml", "PT")
    with pytest.raises(InputRefused, match="no SUV"):
        segmented(bare, METHODS["fixed_suv"], {}, Ticket())
    request = replace(bare, unit=IN_SUV["fixed_suv"])
    assert np.array_equal(run("fixed_suv", request, suv=4.0, smallest_ml=0.0).mask, values >= 4)
    assert np.array_equal(run("fixed_suv", request, suv=4.0, smallest_ml=0.3).mask, values == 9)
    clicked = replace(request, inside=((2, 4, 4),))
    assert np.array_equal(run("fixed_suv", clicked, suv=4.0, smallest_ml=0.0).mask, values == 4)


@pytest.mark.parametrize(("across", "axis"), [("slices", 0), ("rows", 1), ("columns", 2)])
def test_every_second_slice_of_a_ball_gives_the_ball_back(across: str, axis: int) -> None:
    _, truth = ball()
    drawn = np.moveaxis(truth, axis, 0).copy()
    there = np.flatnonzero(drawn.any(axis=(1, 2)))
    drawn[there[1:-1:2]] = False
    current = np.moveaxis(drawn, 0, axis)
    result = run("between_slices", request_of(ball()[0], current=current), across=across)
    assert dice(result.mask, truth) > 0.95
    assert (current <= result.mask).all()
    with pytest.raises(InputRefused, match="no empty slices"):
        run("between_slices", request_of(ball()[0], current=truth), across=across)


def test_a_seed_outside_and_a_wrong_parameter_are_refused() -> None:
    values, _ = ball()
    with pytest.raises(InputRefused, match="outside the image"):
        run("region_growing", request_of(values, inside=((8, 20, 99),)))
    with pytest.raises(InputRefused, match="no parameter called size"):
        run("otsu", request_of(values), size=3)
    with pytest.raises(InputRefused, match="lie between"):
        run("region_growing", request_of(values), tolerance=-1.0)


def test_nothing_and_everything_are_said() -> None:
    values, _ = ball()
    assert "Nothing was found" in run("threshold", request_of(values), low=9e5, high=1e6).notes[0]
    everything = run("threshold", request_of(values), low=-1e6, high=1e6)
    assert "Everything" in everything.notes[0]


def test_a_leak_is_said_and_a_closed_region_is_not() -> None:
    values = np.zeros((1, 60, 60), dtype=np.float32)
    values[0, 20:40, 20:40] = 100
    closed = run(
        "region_growing", request_of(values, inside=((0, 30, 30),), outside=()), tolerance=20.0
    )
    assert closed.notes == ()
    assert np.count_nonzero(closed.mask) == 400
    values[0, 30, 40:] = 100  # a gap in the wall, out to the edge
    open_ = run(
        "region_growing", request_of(values, inside=((0, 30, 30),), outside=()), tolerance=20.0
    )
    assert "leaked" in open_.notes[0]


def test_a_result_that_its_box_cuts_off_is_said() -> None:
    values = np.zeros((1, 60, 60), dtype=np.float32)
    values[0, :, 20:40] = 100  # a band through the whole image
    marks = {"inside": ((0, 30, 30),), "outside": ((0, 30, 10), (0, 30, 50))}
    near = run("grow_cut", request_of(values, **marks), margin_mm=8.0)
    assert any("box ends" in note for note in near.notes)
    assert run("grow_cut", request_of(values, **marks), margin_mm=60.0).notes == ()


def test_a_method_that_fails_or_answers_nonsense_is_a_sentence() -> None:
    def broken(*_given: object) -> SegmentResult:
        raise ZeroDivisionError

    def wrong(*_given: object) -> SegmentResult:
        return SegmentResult(np.zeros((2, 2, 2), dtype=bool))

    texts = ("broken", "Broken", "Regions", "A.", "B.", "C")
    for function, sentence in ((broken, "failed"), (wrong, "no usable mask")):
        method = Segmenter(*texts, (), function)  # type: ignore[arg-type]
        with pytest.raises(ViewerError, match=sentence):
            segmented(request_of(ball()[0]), method, {}, Ticket())


# --- oracles ------------------------------------------------------------------------------------


def test_otsu_is_that_of_scikit_image_and_simpleitk() -> None:
    import SimpleITK as sitk
    from skimage.filters import threshold_otsu

    values, _ = ball()
    mask = run("otsu", request_of(values)).mask
    ours = (values[mask].min() + values[~mask].max()) / 2
    image = sitk.OtsuThresholdImageFilter()
    image.SetNumberOfHistogramBins(4096)
    image.Execute(sitk.GetImageFromArray(values))
    # Between the two tissues every threshold divides alike, so the masks are compared.
    assert np.count_nonzero(mask != (values > threshold_otsu(values, nbins=4096))) <= 2
    assert np.count_nonzero(mask != (values > image.GetThreshold())) <= 2
    assert 30 < ours < 70


def test_growing_is_that_of_simpleitk() -> None:
    import SimpleITK as sitk

    values, _ = ball()
    at = values[CENTRE]
    truth = sitk.ConnectedThreshold(
        sitk.GetImageFromArray(values), [CENTRE[::-1]], float(at - 45), float(at + 45)
    )
    ours = run("region_growing", request_of(values)).mask
    assert np.array_equal(ours, sitk.GetArrayFromImage(truth) > 0)


def test_hysteresis_is_that_of_scikit_image() -> None:
    from skimage.filters import apply_hysteresis_threshold

    values, _ = ball()
    ours = run("hysteresis", request_of(values), weak=15.0, strong=25.0).mask
    # Ours joins over corners, as 3-D neighbourhoods are usually meant.
    from scipy import ndimage

    labels, _ = ndimage.label(values >= 15, structure=np.ones((3, 3, 3)))
    expected = np.isin(labels, np.unique(labels[values >= 25])) & (labels > 0)
    assert np.array_equal(ours, expected)
    faces = apply_hysteresis_threshold(values, 15, 25)
    assert not (faces & ~ours).any()


@settings(max_examples=15)
@given(seed=st.integers(0, 2**31), depth=st.integers(1, 4))
def test_grow_cut_costs_are_those_of_dijkstra(seed: int, depth: int) -> None:
    from scipy import sparse

    rng = np.random.default_rng(seed)
    shape = (depth, 5, 6)
    values = rng.normal(0, 10, shape).astype(np.float32)
    marks = np.zeros(shape, dtype=np.int8)
    marks[0, 0, 0], marks[-1, -1, -1] = 1, 2
    cost, owner = shortest(values, marks, SPACING, Ticket())
    number = np.arange(values.size).reshape(shape)
    rows, columns, weights = [], [], []
    for axis in range(3):
        step = np.abs(np.diff(values, axis=axis)) / max(float(values.std()), 1e-6)
        first = number.take(range(shape[axis] - 1), axis=axis)
        second = number.take(range(1, shape[axis]), axis=axis)
        rows.append(first.ravel())
        columns.append(second.ravel())
        weights.append((step + 1e-3 * SPACING[axis]).ravel())
    graph = sparse.coo_array(
        (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))),
        (values.size, values.size),
    ).tocsr()
    both = sparse.csgraph.dijkstra(
        graph, directed=False, indices=[number[0, 0, 0], number[-1, -1, -1]]
    ).reshape(2, *shape)
    np.testing.assert_allclose(cost, both.min(axis=0), rtol=1e-4, atol=1e-4)
    clear = np.abs(both[0] - both[1]) > 1e-3
    assert np.array_equal((owner == 1)[clear], (both[0] < both[1])[clear])


def test_kmeans_on_a_histogram_is_that_of_scikit_learn() -> None:
    from sklearn.cluster import KMeans

    values, _ = ball()
    counts, edges = np.histogram(values, bins=2048)
    ours = kmeans_centres((edges[:-1] + edges[1:]) / 2, counts.astype(float), 3)
    theirs = KMeans(3, n_init=5, random_state=0).fit(values.reshape(-1, 1)).cluster_centers_
    np.testing.assert_allclose(ours, np.sort(theirs.ravel()), atol=0.5)


def test_fuzzy_memberships_fulfil_the_conditions_of_bezdek() -> None:
    values, _ = ball()
    counts, edges = np.histogram(values, bins=512)
    centres = (edges[:-1] + edges[1:]) / 2
    means, of_values = fuzzy_memberships(centres, counts.astype(float), 2, 2.0)
    share = of_values(centres)
    np.testing.assert_allclose(share.sum(axis=0), 1)
    # A minimum: each mean is the mean of the values weighted by the squares of their memberships.
    weight = share**2 * counts
    np.testing.assert_allclose(means, weight @ centres / weight.sum(axis=1), atol=0.05)
    assert share[1][centres > means[1]].min() > 0.5


def test_a_share_of_the_maximum_is_that_share_and_connected() -> None:
    values = np.zeros((9, 30, 30), dtype=np.float32)
    values[3:6, 8:14, 8:14] = 5
    values[4, 10, 10] = 10
    values[4, 25, 25] = 12  # hotter, elsewhere: a bladder
    result = run("pet_percent", request_of(values, inside=((4, 9, 9),), outside=()), percent=41.0)
    assert np.count_nonzero(result.mask) == 3 * 6 * 6
    assert not result.mask[4, 25, 25]
    assert "41 % of 10" in result.notes[0]


def test_a_mixture_finds_the_share_of_each_gaussian() -> None:
    rng = np.random.default_rng(0)
    sample = np.concatenate((rng.normal(0, 5, 8000), rng.normal(60, 15, 2000)))
    values = rng.permutation(sample).reshape(1, 100, 100).astype(np.float32)
    result = run("gaussian_mixture", request_of(values, inside=(), outside=()))
    assert abs(np.count_nonzero(result.mask) - 2000) < 60
    assert result.membership is not None


def test_a_walk_without_marks_outside_says_so_and_stays_a_probability() -> None:
    sample = make_sample(59, shape_kji=(40, 72, 72))
    values = sample.values_hu.astype(np.float32)
    request = SegmentRequest(values, (1.6, 1.6, 1.6), "", "CT", ((20, 36, 36),))
    result = segmented(request, METHODS["random_walker"], {}, Ticket())
    assert result.membership is not None
    assert (float(result.membership.min()), float(result.membership.max())) == (0.0, 1.0)
    assert any("mark what is outside too" in note for note in result.notes)
    marked = replace(request, outside=((20, 60, 60),))
    again = segmented(marked, METHODS["random_walker"], {}, Ticket())
    assert not any("mark what is outside too" in note for note in again.notes)
