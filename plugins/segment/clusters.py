"""Clusters of values: k-means, fuzzy c-means, Gaussian mixtures; and super-voxels to click on."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.api import Asked, InputRefused, Parameter, Segmenter, SegmentRequest, SegmentResult

_BINS = 2048
_ROUNDS = 200
_CLOSE = 1e-5
_SAMPLE = 20_000
Histogram = tuple[NDArray[np.float64], NDArray[np.float64]]


def _histogram(request: SegmentRequest) -> Histogram:
    """Return centres and counts of the values in what is allowed."""
    sample = request.values[request.known]
    if not sample.size or float(np.ptp(sample)) == 0:
        raise InputRefused("All values are equal: there are no clusters.")
    counts, edges = np.histogram(sample, bins=_BINS)
    return (edges[:-1] + edges[1:]) / 2, counts.astype(np.float64)


def _first_means(centres: NDArray[np.float64], counts: NDArray[np.float64], n: int) -> Any:
    """Return quantiles of the histogram: the same start, the same end, always."""
    cumulative = np.cumsum(counts) / counts.sum()
    return np.interp((np.arange(n) + 0.5) / n, cumulative, centres)


def kmeans_centres(centres: NDArray[np.float64], counts: NDArray[np.float64], n: int) -> Any:
    """Return ``n`` sorted means (Lloyd 1982) of values at ``centres``, ``counts`` of each."""
    means = _first_means(centres, counts, n)
    for _ in range(_ROUNDS):
        edges = (means[:-1] + means[1:]) / 2
        owner = np.searchsorted(edges, centres)
        weight = np.bincount(owner, counts, minlength=n)
        total = np.bincount(owner, counts * centres, minlength=n)
        moved = np.where(weight > 0, total / np.maximum(weight, 1e-12), means)
        if np.abs(moved - means).max() <= _CLOSE * np.ptp(centres):
            break
        means = moved
    return np.sort(means)


def _chosen(values: Mapping[str, Any]) -> tuple[int, int]:
    n, wanted = int(values["clusters"]), int(values["cluster"])
    if wanted > n:
        raise InputRefused(f"There are {n} clusters, not {wanted}.")
    return n, wanted - 1


def _looked_up(
    request: SegmentRequest, table: Callable[[NDArray[Any]], NDArray[np.float64]]
) -> NDArray[np.float32]:
    """Return a function of the values, computed once for each of many levels between them."""
    known = request.values[request.known]
    low, high = float(known.min()), float(known.max())
    levels = np.linspace(low, high, 4 * _BINS)
    answers = np.asarray(table(levels), dtype=np.float32)
    at = np.nan_to_num((request.values - low) * ((len(levels) - 1) / (high - low)))
    found: NDArray[np.float32] = answers[np.clip(np.rint(at), 0, len(levels) - 1).astype(np.intp)]
    return found


def _kmeans(request: SegmentRequest, values: Mapping[str, Any], asked: Asked) -> SegmentResult:
    n, wanted = _chosen(values)
    means = kmeans_centres(*_histogram(request), n)
    asked.check()
    edges = np.concatenate(([-np.inf], (means[:-1] + means[1:]) / 2, [np.inf]))
    with np.errstate(invalid="ignore"):
        mask = (request.values > edges[wanted]) & (request.values <= edges[wanted + 1])
    return SegmentResult(mask, notes=(_told(means),))


def _told(means: NDArray[np.float64]) -> str:
    return f"Means at {', '.join(f'{mean:.4g}' for mean in means)}."


def fuzzy_memberships(
    centres: NDArray[np.float64], counts: NDArray[np.float64], n: int, exponent: float
) -> tuple[NDArray[np.float64], Callable[[NDArray[Any]], NDArray[np.float64]]]:
    """Return sorted means, and the function from values to memberships (n, values), of Bezdek."""
    means = kmeans_centres(centres, counts, n)
    for _ in range(_ROUNDS):
        weight = _memberships(centres, means, exponent) ** exponent * counts
        moved = (weight @ centres) / np.maximum(weight.sum(axis=1), 1e-12)
        close = np.abs(moved - means).max() <= _CLOSE * np.ptp(centres)
        means = moved
        if close:
            break
    means = np.sort(means)
    return means, lambda values: _memberships(values, means, exponent)


def _memberships(
    values: NDArray[Any], means: NDArray[np.float64], exponent: float
) -> NDArray[np.float64]:
    distance = np.maximum(np.abs(values[None, :] - means[:, None]), 1e-9)
    share = distance ** (-2.0 / (exponent - 1.0))
    found: NDArray[np.float64] = share / share.sum(axis=0)
    return found


def _fuzzy(request: SegmentRequest, values: Mapping[str, Any], asked: Asked) -> SegmentResult:
    n, wanted = _chosen(values)
    means, of_values = fuzzy_memberships(*_histogram(request), n, float(values["exponent"]))
    asked.check()
    membership = _looked_up(request, lambda levels: of_values(levels)[wanted])
    membership[~request.known] = 0
    return SegmentResult(membership >= float(values["at_least"]), membership, (_told(means),))


def _mixture(request: SegmentRequest, values: Mapping[str, Any], asked: Asked) -> SegmentResult:
    from sklearn.mixture import GaussianMixture

    n, wanted = _chosen(values)
    centres, counts = _histogram(request)
    sample = request.values[request.known].astype(np.float64)
    step = max(1, sample.size // _SAMPLE)
    start = kmeans_centres(centres, counts, n)[:, None]
    model = GaussianMixture(n, means_init=start, random_state=0, max_iter=200, reg_covar=1e-6)
    model.fit(sample[::step, None])
    asked.check()
    order = np.argsort(model.means_[:, 0])
    membership = _looked_up(
        request, lambda levels: model.predict_proba(levels[:, None])[:, order[wanted]]
    )
    membership[~request.known] = 0
    return SegmentResult(
        membership >= float(values["at_least"]), membership, (_told(model.means_[order, 0]),)
    )


def _supervoxels(request: SegmentRequest, values: Mapping[str, Any], asked: Asked) -> SegmentResult:
    """Divide into super-voxels of even values; take those that are clicked on."""
    from skimage.segmentation import slic

    filled = np.where(np.isfinite(request.values), request.values, np.float32(0))
    low, high = np.percentile(filled, (1, 99))
    scaled = np.clip((filled - low) / max(float(high - low), 1e-6), 0, 1)
    size_mm3 = float(np.prod(request.spacing_kji_mm))
    depth = 3 if filled.shape[0] > 1 else 2
    edge = float(values["size_mm"])
    one = edge**3 / size_mm3 if depth == 3 else edge**2 / float(np.prod(request.spacing_kji_mm[1:]))
    n = int(np.clip(filled.size / max(one, 1.0), 2, 20_000))
    asked.check()
    flat = depth == 2
    labels = slic(
        scaled[0] if flat else scaled,
        n_segments=n,
        compactness=float(values["compactness"]),
        channel_axis=None,
        spacing=request.spacing_kji_mm[1:] if flat else request.spacing_kji_mm,
        start_label=1,
    ).reshape(filled.shape)
    taken = np.unique([labels[seed] for seed in request.inside])
    return SegmentResult(np.isin(labels, taken))


_CLUSTERS = (
    Parameter("clusters", "Clusters", "int", 3, 2, 8, 1),
    Parameter("cluster", "Take cluster", "int", 3, 1, 8, 1),
)
_AT_LEAST = Parameter("at_least", "At least", "float", 0.5, 0.05, 0.95, 0.05)
KMEANS = Segmenter(
    "kmeans",
    "k-means",
    "Clusters",
    "Divides the values into clusters about their means, darkest first.",
    "Knows values only, not places; clusters of unequal size or spread are cut wrongly.",
    "Lloyd, IEEE Trans Inf Theory 28 (1982), 129-137",
    _CLUSTERS,
    _kmeans,
)
FUZZY = Segmenter(
    "fuzzy_cmeans",
    "Fuzzy c-means",
    "Clusters",
    "Gives each voxel its membership in every cluster, so that mixed voxels show as such.",
    "Knows values only; memberships are no probabilities of disease.",
    "Bezdek, Pattern Recognition with Fuzzy Objective Function Algorithms (1981)",
    (*_CLUSTERS, Parameter("exponent", "Fuzziness", "float", 2.0, 1.1, 5.0, 0.1), _AT_LEAST),
    _fuzzy,
)
MIXTURE = Segmenter(
    "gaussian_mixture",
    "Gaussian mixture",
    "Clusters",
    "Models the histogram as a sum of Gaussians, which may differ in spread and size.",
    "A histogram that is no such sum is divided all the same.",
    "Dempster, Laird & Rubin, J R Stat Soc B 39 (1977), 1-38",
    (*_CLUSTERS, _AT_LEAST),
    _mixture,
)
SLIC = Segmenter(
    "supervoxels",
    "Super-voxels",
    "Clusters",
    "Divides the image into small even regions; a click takes one, more clicks more.",
    "Borders follow edges only as far as the size allows.",
    "Achanta et al., IEEE Trans PAMI 34 (2012), 2274-2282",
    (
        Parameter("size_mm", "Size", "float", 8.0, 1.0, 60.0, 0.5, "mm"),
        Parameter("compactness", "Compactness", "float", 0.3, 0.001, 10.0, 0.001),
    ),
    _supervoxels,
    frozenset({"seeds"}),
)
METHODS = (KMEANS, FUZZY, MIXTURE, SLIC)
