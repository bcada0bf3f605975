"""What filters share in three dimensions: Gaussians and Hessians of (k, j, i) values, in mm."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.imaging.neighbourhood import derivative_kernel, gaussian_derivative

Values = NDArray[np.float32]


def volume_derivative(
    values: Values,
    sigma_kji_px: tuple[float, float, float],
    orders_kji: tuple[int, int, int],
    check: Callable[[], None] = lambda: None,
) -> Values:
    """Return a derivative (order 0: none) of Gaussian-smoothed values, per voxel.

    Slice by slice in the plane, then along k on blocks of rows; ``check`` may raise in between.
    """
    n_k, n_j, n_i = values.shape
    flat = np.empty_like(values, dtype=np.float32)
    for k in range(n_k):
        check()
        flat[k] = gaussian_derivative(values[k], sigma_kji_px[1:], orders_kji[1:])
    kernel = derivative_kernel(sigma_kji_px[0], orders_kji[0])
    if (n_k == 1 or sigma_kji_px[0] < 1e-3) and orders_kji[0] == 0:
        return flat
    found = np.empty_like(flat)
    one = np.ones(1)
    for j in range(0, n_j, 16):  # rows of k against columns of (j, i), as many as stay in the cache
        check()
        block = np.ascontiguousarray(flat[:, j : j + 16]).reshape(n_k, -1)
        done = cv2.sepFilter2D(block, cv2.CV_32F, one, kernel, borderType=cv2.BORDER_REFLECT)
        found[:, j : j + 16] = done.reshape(n_k, -1, n_i)
    return found


def volume_hessian(
    values: Values,
    sigma_mm: float,
    spacing_kji_mm: tuple[float, float, float],
    check: Callable[[], None] = lambda: None,
) -> NDArray[np.float32]:
    """Return kk, kj, ki, jj, ji, ii (6, k, j, i): second derivatives times sigma²."""
    sigma_px = tuple(sigma_mm / mm for mm in spacing_kji_mm)
    pairs = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    found = np.empty((6, *values.shape), dtype=np.float32)
    for n, (a, b) in enumerate(pairs):
        orders = tuple((axis == a) + (axis == b) for axis in range(3))
        scale = sigma_mm**2 / (spacing_kji_mm[a] * spacing_kji_mm[b])
        found[n] = volume_derivative(values, sigma_px, orders, check)  # type: ignore[arg-type]
        found[n] *= np.float32(scale)
    return found


def sorted_by_size(hessian: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the three eigenvalues (3, ...) of (6, ...) matrices, smallest magnitude first."""
    kk, kj, ki, jj, ji, ii = hessian
    matrix = np.empty((*kk.shape, 3, 3), dtype=np.float32)
    for (a, b), part in zip(
        ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)), (kk, kj, ki, jj, ji, ii), strict=True
    ):
        matrix[..., a, b] = matrix[..., b, a] = part
    found = np.asarray(np.linalg.eigvalsh(matrix), dtype=np.float32)
    order = np.argsort(np.abs(found), axis=-1)
    return np.moveaxis(np.take_along_axis(found, order, axis=-1), -1, 0)
