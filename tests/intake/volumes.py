"""Volumes for the tests of file formats, and how SimpleITK sees the same files."""

import gzip
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.ledger import Outcome
from viewer.intake.decode import load
from viewer.intake.scan import Scan, scan
from viewer.intake.source import PictureSource

VALUES = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4) - 7  # [k, j, i]
SPACING = (1.5, 2.5, 4.0)
ORIGIN = (-12.5, 30.25, 7.0)
_TURN = np.radians(20)
OBLIQUE = np.array(
    [
        [np.cos(_TURN), 0.0, np.sin(_TURN)],
        [0.0, 1.0, 0.0],
        [-np.sin(_TURN), 0.0, np.cos(_TURN)],
    ]
)


def turned_and_flipped() -> list[NDArray[np.float64]]:
    """Return the 48 matrices (3, 3) that take axes to axes, of either sign."""
    return [
        np.eye(3)[list(order)] * np.array(signs)[:, None]
        for order in permutations(range(3))
        for signs in product((1.0, -1.0), repeat=3)
    ]


def itk_image(values: NDArray[Any] = VALUES, directions: NDArray[Any] = OBLIQUE) -> Any:
    """Return ``values`` (k, j, i[, samples]) as an image of SimpleITK."""
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(values, isVector=values.ndim == 4)
    image.SetSpacing(SPACING)
    image.SetOrigin(ORIGIN)
    image.SetDirection(directions.ravel())
    return image


def write_itk(path: Path, image: Any, *, packed: bool = False) -> Path:
    """Write by SimpleITK."""
    import SimpleITK as sitk

    sitk.WriteImage(image, str(path), packed)
    return path


def the_picture(path: Path) -> PictureSource:
    """Return the one picture in ``path``."""
    found = scan([path])
    assert not found.ledger.refused, found.ledger.refused
    (source,) = found.pictures
    return source


def assert_lies_as_itk_says(source: PictureSource, image: Any) -> None:
    """Compare places and values at the corners and inside."""
    import SimpleITK as sitk

    picture = load(source)
    assert source.grid is not None
    values = sitk.GetArrayFromImage(image)
    n_k, n_j, n_i = values.shape[:3]
    probes = list(product((0, n_i - 1), (0, n_j - 1), (0, n_k - 1)))
    for index in [*probes, (n_i // 2, n_j // 2, n_k // 2)]:
        there = image.TransformIndexToPhysicalPoint([int(n) for n in index])
        assert np.allclose(source.grid.world(index), there, atol=1e-4)
        i, j, k = index
        assert np.array_equal(picture.stored[k, j, i], values[k, j, i])
    assert np.array_equal(picture.stored, values)


def refusal(path: Path, *, shown: int = 0) -> str:
    """Return why the one file was refused; the ledger must balance and name every file."""
    found = scan([path])
    assert len(found.pictures) == shown
    assert_balanced(found)
    (fate,) = found.ledger.refused
    assert fate.hint
    assert fate.reason.endswith(".")
    assert fate.reason.count(". ") == 0
    return fate.reason


def assert_balanced(found: Scan) -> None:
    """Every file has one fate."""
    ledger = found.ledger
    assert ledger.n_files == sum(ledger.count(outcome) for outcome in Outcome)


def a_bomb(n_bytes: int) -> bytes:
    """Return zeros, gzipped."""
    return gzip.compress(bytes(n_bytes))
