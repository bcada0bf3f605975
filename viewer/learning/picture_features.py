"""Numbers that describe a grey picture: first order, texture and edges, for classical classifiers."""

import numpy as np
from numpy.typing import NDArray

_LEVELS = 32
_DISTANCES = (1, 3, 6)
_PATTERNS = ((8, 1), (16, 3))  # neighbours and radius of local binary patterns
_PROPERTIES = ("contrast", "dissimilarity", "homogeneity", "energy", "correlation", "ASM")


def picture_features(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the features of a picture (rows, columns) of bytes.

    Uniform local binary patterns (Ojala et al. 2002), properties of the grey-level co-occurrence
    matrix at three distances averaged over four directions (Haralick 1973), histograms of oriented
    gradients of the picture at a quarter of its size (Dalal and Triggs 2005), and first order.
    """
    return np.concatenate((_patterns(grey), _co_occurrence(grey), _gradients(grey), _first(grey)))


def _patterns(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    from skimage.feature import local_binary_pattern

    found = []
    for neighbours, radius in _PATTERNS:
        codes = local_binary_pattern(grey, neighbours, radius, method="uniform")
        counts = np.bincount(codes.astype(np.int64).ravel(), minlength=neighbours + 2)
        found.append(counts / codes.size)
    return np.concatenate(found)


def _co_occurrence(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    from skimage.feature import graycomatrix, graycoprops

    coarse = (grey // (256 // _LEVELS)).astype(np.uint8)
    angles = (0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
    matrix = graycomatrix(coarse, _DISTANCES, angles, _LEVELS, symmetric=True, normed=True)
    return np.concatenate([graycoprops(matrix, name).mean(axis=1) for name in _PROPERTIES])


def _gradients(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    from skimage.feature import hog
    from skimage.transform import resize

    rows, columns = (max(16, n // 4) for n in grey.shape)
    small = resize(grey.astype(np.float64) / 255, (rows, columns), anti_aliasing=True)
    return np.asarray(hog(small, pixels_per_cell=(8, 8), cells_per_block=(2, 2)), dtype=np.float64)


def _first(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    values = grey.astype(np.float64).ravel()
    mean, deviation = float(values.mean()), float(values.std())
    centred = (values - mean) / max(deviation, 1e-6)
    share = np.bincount(grey.ravel() // 8, minlength=32) / grey.size
    entropy = -float((share[share > 0] * np.log2(share[share > 0])).sum())
    quantiles = np.percentile(values, (10, 25, 50, 75, 90))
    moments = (float((centred**3).mean()), float((centred**4).mean()))
    return np.array([mean, deviation, *moments, entropy, *quantiles])
