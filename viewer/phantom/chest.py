"""Puts a chest together: anatomy, vessels, lesions, blur and noise, on any grid."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Grid
from viewer.imaging.diameters import longest_diameter
from viewer.phantom import lesions, vessels
from viewer.phantom.body import Build, Field, Points, fields
from viewer.phantom.lesions import LesionKind, LesionShape

DEMO_SHAPE = (110, 256, 256)
DEMO_SPACING_IJK_MM = (1.45, 1.45, 2.5)
_SLAB_VOXELS = 1 << 18
_CLEAR_OF_HILA_MM = 32.0


@dataclass(frozen=True, slots=True)
class LesionTruth:
    """What is known about one lesion; volume and diameter are those of its voxels."""

    number: int
    kind: LesionKind
    centre_lps_mm: tuple[float, float, float]
    radius_mm: float
    volume_mm3: float
    longest_diameter_mm: float


@dataclass(frozen=True)
class PhantomStudy:
    """A generated study: HU (int16) and true labels (uint8; n = lesion n), both (k, j, i)."""

    seed: int
    values_hu: NDArray[np.int16]
    labels: NDArray[np.uint8]
    grid: Grid
    lesions: tuple[LesionTruth, ...]


@dataclass(frozen=True, slots=True)
class Scanner:
    """How the picture is taken: noise (HU) and blur (mm)."""

    noise_hu: float = 17.0
    blur_mm: float = 0.9


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lesions (kind, radius mm) there shall be, and how far from the hila."""

    lesions: tuple[tuple[LesionKind, float], ...]
    clear_of_hila_mm: float = 0.0


def chest_grid(
    shape_kji: tuple[int, int, int],
    spacing_ijk_mm: tuple[float, float, float],
    oblique_deg: float = 0.0,
    centre_lps_mm: tuple[float, float, float] = (0.0, 0.0, -5.0),
) -> Grid:
    """Return a grid about the chest's middle, tilted about two patient axes by ``oblique_deg``."""
    angle = np.radians(oblique_deg)
    c, s = np.cos(angle), np.sin(angle)
    about_x = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    half = angle / 2
    about_z = np.array(
        [[np.cos(half), -np.sin(half), 0], [np.sin(half), np.cos(half), 0], [0, 0, 1]]
    )
    directions = about_z @ about_x
    grid = Grid.from_axes(shape_kji, spacing_ijk_mm=spacing_ijk_mm, directions=directions)
    shift = np.array(centre_lps_mm) - grid.centre_lps_mm
    affine = grid.ijk_to_lps.copy()
    affine[:3, 3] += shift
    return Grid(shape_kji, affine)


def points_of(grid: Grid, start_k: int = 0, stop_k: int | None = None) -> Points:
    """Return the patient coordinates of the voxel centres of slices [start, stop), float32."""
    k, j, i = (np.arange(n, dtype=np.float32) for n in grid.shape_kji)
    k = k[start_k:stop_k]
    a = grid.ijk_to_lps.astype(np.float32)
    parts = [
        (a[row, 3] + a[row, 2] * k)[:, None, None]
        + (a[row, 1] * j)[None, :, None]
        + (a[row, 0] * i)[None, None, :]
        for row in range(3)
    ]
    return Points(*parts)


def _anatomy(grid: Grid, build: Build) -> tuple[Field, Field]:
    """Return ``fields`` of the whole grid, made slab by slab.

    The same numbers as in one go, in half the time: a slab and its temporaries stay in the
    processor's cache, and each thread has its own.
    """
    n_k, n_j, n_i = grid.shape_kji
    values, lung = (np.empty(grid.shape_kji, dtype=np.float32) for _ in range(2))
    thick = max(1, _SLAB_VOXELS // (n_j * n_i))

    def fill(start: int) -> None:
        slab = slice(start, start + thick)
        values[slab], lung[slab] = fields(points_of(grid, start, start + thick), build)

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for _ in pool.map(fill, range(0, n_k, thick)):
            pass
    return values, lung


def make_chest(
    seed: int,
    *,
    shape_kji: tuple[int, int, int] = DEMO_SHAPE,
    spacing_ijk_mm: tuple[float, float, float] = DEMO_SPACING_IJK_MM,
    oblique_deg: float = 0.0,
) -> PhantomStudy:
    """Return the study of a seed: always the same for the same arguments.

    Three to five lesions, smooth and spiculated by turns, 4.5 to 12 mm in radius, apart from the
    hila, where vessels would hide them.
    """
    rng = np.random.default_rng((seed, 0))
    grid = chest_grid(shape_kji, spacing_ijk_mm, oblique_deg)
    n = int(rng.integers(3, 6))
    radii = [float(r) for r in rng.uniform(4.5, 12.0, n)]
    kinds: list[LesionKind] = ["spiculated" if k % 2 == 0 else "smooth" for k in range(n)]
    # Contrast medium in the blood, as most chest studies have it: vessels and chambers can be told.
    build = Build(seed, blood_hu=165.0)
    wanted = Wanted(tuple(zip(kinds, radii, strict=True)), _CLEAR_OF_HILA_MM)
    return _assembled(seed, grid, build, Scanner(), wanted, rng)


def make_sample(
    seed: int, *, shape_kji: tuple[int, int, int] = (64, 96, 96), max_lesions: int = 5
) -> PhantomStudy:
    """Return a part of a randomised chest for training: build, contrast, noise, blur, resolution.

    The field of view lies at random in the chest; the acquisition is tilted by up to 12 degrees.
    """
    rng = np.random.default_rng((seed, 7))
    build = Build(
        seed,
        size=float(rng.uniform(0.85, 1.15)),
        fat_mm=float(rng.uniform(6, 28)),
        lung_hu=float(rng.uniform(-900, -780)),
        blood_hu=float(rng.choice([45.0, rng.uniform(60, 240)])),
        muscle_hu=float(rng.uniform(40, 65)),
        bone=float(rng.uniform(0.7, 1.3)),
    )
    inplane, between = float(rng.uniform(1.2, 2.2)), float(rng.uniform(1.2, 3.0))
    centre = (float(rng.normal(0, 50)), float(rng.normal(0, 18)), float(rng.normal(0, 45)))
    grid = chest_grid(shape_kji, (inplane, inplane, between), float(rng.uniform(-12, 12)), centre)
    n = int(rng.integers(0, max_lesions + 1))
    found: list[tuple[LesionKind, float]] = [
        ("spiculated" if rng.random() < 0.5 else "smooth", float(rng.uniform(3.5, 13.0)))
        for _ in range(n)
    ]
    scanner = Scanner(float(rng.uniform(6, 38)), float(rng.uniform(0.4, 1.4)))
    return _assembled(seed, grid, build, scanner, Wanted(tuple(found)), rng)


def _assembled(
    seed: int,
    grid: Grid,
    build: Build,
    scanner: Scanner,
    wanted: Wanted,
    rng: np.random.Generator,
) -> PhantomStudy:
    values, lung = _anatomy(grid, build)
    vessels.draw(values, vessels.tree(build), grid, lung, build.blood_hu - 12)
    labels = np.zeros(grid.shape_kji, dtype=np.uint8)
    room = lung
    if wanted.clear_of_hila_mm > 0:
        hila = vessels.hila_mm(points_of(grid), build)
        room = np.maximum(lung, wanted.clear_of_hila_mm - hila)
    centres = lesions.places(rng, room, grid, [radius for _, radius in wanted.lesions])
    shapes: list[LesionShape] = []
    for (kind, radius), centre in zip(wanted.lesions, centres, strict=True):
        if centre is not None:
            hu = float(rng.uniform(5, 60))
            shapes.append(lesions.a_shape(rng, kind, centre, radius, hu))
            lesions.draw(values, labels, grid, shapes[-1], len(shapes))
    pictured = _pictured(values, grid, scanner, rng)
    truth = tuple(
        _truth(number, shape, labels, grid) for number, shape in enumerate(shapes, start=1)
    )
    return PhantomStudy(seed, pictured, labels, grid, truth)


def _truth(number: int, shape: LesionShape, labels: NDArray[np.uint8], grid: Grid) -> LesionTruth:
    mask = labels == number
    _, diameter = longest_diameter(mask, grid)
    x, y, z = (float(v) for v in shape.centre_lps_mm)
    volume = float(np.count_nonzero(mask) * grid.voxel_volume_mm3)
    return LesionTruth(number, shape.kind, (x, y, z), shape.radius_mm, volume, diameter)


def _pictured(
    values: Field, grid: Grid, scanner: Scanner, rng: np.random.Generator
) -> NDArray[np.int16]:
    """Blur as a scanner does, and add noise that hangs together as reconstructed noise does."""
    import cv2

    column, row, _ = grid.spacing_ijk_mm
    noisy = np.empty(values.shape, dtype=np.int16)
    sx, sy = scanner.blur_mm / column, scanner.blur_mm / row
    for k in range(values.shape[0]):
        smooth: Field = cv2.GaussianBlur(
            values[k],
            (0, 0),
            sigmaX=max(sx, 0.05),
            sigmaY=max(sy, 0.05),
            borderType=cv2.BORDER_REFLECT,
        )
        grain: Field = rng.standard_normal(values.shape[1:], dtype=np.float32)
        grain = cv2.GaussianBlur(grain, (0, 0), sigmaX=0.8, borderType=cv2.BORDER_REFLECT)
        grain = grain * np.float32(scanner.noise_hu / max(float(grain.std()), 1e-6))
        noisy[k] = np.clip(np.rint(smooth + grain), -1024, 3071).astype(np.int16)
    return noisy
