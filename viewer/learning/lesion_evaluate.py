"""How good a promptable network is on patients it never saw: in a box, at a point, with neither."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import Figure
from viewer.domain.prompt import Prompt
from viewer.domain.study import Identity, Instance, Patient, Series, Study
from viewer.domain.volume import Display, Volume
from viewer.imaging.agreement import bootstrap_interval, dice
from viewer.learning.evaluate import poisson_interval
from viewer.learning.lesion_sets import LabelledVolume

BOX_MARGIN_MM = 20.0  # what a reader leaves around a lesion, when drawing a box
_OTHER_ML = 1.0  # from this size an island away from the lesion counts as false

Segmenter = Callable[[LabelledVolume, Prompt], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class LesionResult:
    """A patient's Dice in the box, with one click, and in the whole crop; islands elsewhere there."""

    name: str
    in_box: float
    at_point: float
    whole: float
    n_false: int
    false_ml: float


def lesion_box(case: LabelledVolume, margin_mm: float = BOX_MARGIN_MM) -> Prompt:
    """Return the box about all voxel centres of the lesion, ``margin_mm`` wider on each side."""
    places = case.scan.grid.world(np.argwhere(case.labels)[:, ::-1])
    x, y, z = (float(v) for v in places.min(axis=0) - margin_mm)
    x_end, y_end, z_end = (float(v) for v in places.max(axis=0) + margin_mm)
    return Prompt((x, y, z, x_end, y_end, z_end))


def lesion_click(case: LabelledVolume) -> Prompt:
    """Return a point in the lesion: its voxel nearest to its middle."""
    voxels = np.argwhere(case.labels)
    away = ((voxels - voxels.mean(axis=0)) ** 2).sum(axis=1)
    x, y, z = (float(v) for v in case.scan.grid.world(voxels[away.argmin()][::-1]))
    return Prompt(points_lps_mm=((x, y, z),))


def lesion_result(case: LabelledVolume, segmenter: Segmenter) -> LesionResult:
    """Return how ``segmenter``'s three answers agree with the mask drawn by hand."""
    from scipy import ndimage

    truth = case.labels > 0
    whole = segmenter(case, Prompt())
    islands, count = ndimage.label(whole > 0, structure=np.ones((3, 3, 3)))
    touched = np.unique(islands[truth])
    sizes = (
        np.bincount(islands.ravel(), minlength=count + 1) * case.scan.grid.voxel_volume_mm3 / 1e3
    )
    false = [n for n in range(1, count + 1) if n not in touched and sizes[n] >= _OTHER_ML]
    return LesionResult(
        case.name,
        dice(segmenter(case, lesion_box(case)) > 0, truth),
        dice(segmenter(case, lesion_click(case)) > 0, truth),
        dice(whole > 0, truth),
        len(false),
        float(sum(sizes[n] for n in false)),
    )


def lesion_figures(results: Sequence[LesionResult]) -> tuple[Figure, ...]:
    """Return Dice of the three ways, and false islands per crop, each with its 95 % interval.

    Percentile bootstrap over patients for Dice (of few patients: too narrow rather than too wide),
    Garwood's exact Poisson limits for the islands.
    """
    n = len(results)

    def mean(name: str, values: list[float]) -> Figure:
        low, high = bootstrap_interval(values)
        return Figure(name, float(np.mean(values)), low, high, n)

    n_false = sum(one.n_false for one in results)
    low, high = poisson_interval(n_false)
    return (
        mean("Dice in a box 20 mm around the lesion", [one.in_box for one in results]),
        mean("Dice with one point in the lesion", [one.at_point for one in results]),
        mean("Dice in the whole crop, nothing pointed at", [one.whole for one in results]),
        Figure("False islands of 1 ml or more per crop", n_false / n, low / n, high / n, n),
    )


def picture_of_case(case: LabelledVolume) -> Volume:
    """Return the case as a picture that names neither patient nor study."""
    uid = "2.25.1"
    instances = tuple(Instance("", f"{uid}.{k}") for k in range(case.scan.grid.shape_kji[0]))
    return Volume(
        key=f"case:{case.name}",
        stored=case.scan.stored,
        grid=case.scan.grid,
        quantity=case.scan.quantity,
        display=Display(),
        identity=Identity(
            Patient(""), Study(uid), Series(uid, 1, case.scan.modality, ""), instances
        ),
    )
