"""Descriptions of segmentation methods: what they need, what they may know, what they answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from viewer.domain.chain import Setting
from viewer.domain.methods import Asked, Parameter, checked_parameters, default_parameters

SegmenterGroup = Literal["Threshold", "Regions", "Clusters", "Edges", "Deformable", "Slices"]
Need = Literal["seeds", "outside", "current"]
Mask = NDArray[np.bool_]
IndexKji = tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class SegmentRequest:
    """What a method looks at.

    Attributes
    ----------
    values
        (k, j, i) in the picture's quantity; NaN where nothing is known. A plane has one layer.
    spacing_kji_mm, unit, modality
        Distances of voxels, unit of the values (UCUM), DICOM modality ("" if not known).
    inside, outside
        Voxels that belong to what is meant, and voxels that do not (k, j, i).
    allowed
        Where the result may lie, None: everywhere.
    current
        The segment as it is now, None: there is none.
    watch
        Told by slow methods what they have so far; answers whether to go on. None: nobody looks.
    """

    values: NDArray[np.float32]
    spacing_kji_mm: tuple[float, float, float]
    unit: str = ""
    modality: str = ""
    inside: tuple[IndexKji, ...] = ()
    outside: tuple[IndexKji, ...] = ()
    allowed: Mask | None = None
    current: Mask | None = None
    watch: "Callable[[Mask], bool] | None" = None

    def goes_on(self, so_far: Mask) -> bool:
        """Show what was found so far (k, j, i); return False when that is enough for the reader."""
        return self.watch is None or self.watch(so_far)

    @property
    def known(self) -> Mask:
        """Where values are known and the result may lie."""
        known = np.isfinite(self.values)
        return known if self.allowed is None else known & self.allowed


@dataclass(frozen=True, slots=True, eq=False)
class SegmentResult:
    """What a method found: ``mask`` (k, j, i), perhaps how much each voxel belongs to it (0-1).

    ``notes`` are sentences that the reader must see: a threshold chosen, a leak.
    """

    mask: Mask
    membership: NDArray[np.float32] | None = None
    notes: tuple[str, ...] = ()


SegmenterFunction = Callable[[SegmentRequest, Mapping[str, Any], Asked], SegmentResult]


@dataclass(frozen=True, slots=True)
class Preset:
    """Parameters with a name: ``source`` is where they come from.

    ``modality`` and ``unit`` (UCUM) are those of the pictures that they are meant for.
    """

    title: str
    parameters: tuple[tuple[str, Setting], ...]
    source: str
    modality: str = ""
    unit: str = ""

    def fits(self, modality: str, unit: str) -> bool:
        """Return whether it is meant for pictures of this modality and unit."""
        return self.modality in ("", modality) and self.unit in ("", unit)


@dataclass(frozen=True, slots=True)
class Segmenter:
    """A segmentation method.

    ``purpose`` is one sentence of what it is for, ``caution`` one of how it fails, ``source`` the
    paper or standard. ``needs`` says what must be given: seeds inside, seeds outside, a current
    segment. ``dimensions`` are 2 (the shown plane) and 3 (the volume). ``modalities``: none, all.

    ``is_pointwise``: each voxel is judged by its own value, so any part may be asked for alone.
    ``is_local``: what is found hangs together with the seeds and depends on nothing beyond what was
    found and its neighbours, so a part of the image is enough if the result does not touch its rim.
    """

    key: str
    title: str
    group: SegmenterGroup
    purpose: str
    caution: str
    source: str
    parameters: tuple[Parameter, ...]
    function: SegmenterFunction
    needs: frozenset[Need] = frozenset()
    dimensions: tuple[int, ...] = (2, 3)
    is_slow: bool = False
    modalities: tuple[str, ...] = ()
    presets: tuple[Preset, ...] = ()
    is_pointwise: bool = False
    is_local: bool = False

    def defaults(self) -> dict[str, Setting]:
        """Return the parameters at their defaults."""
        return default_parameters(self.parameters)

    def checked(self, values: Mapping[str, Setting]) -> dict[str, Setting]:
        """Return all parameters, checked, defaults filled in.

        Raises
        ------
        InputRefused
            A name is not a parameter of this method, or a value is out of range.
        """
        return checked_parameters(self.title, self.parameters, values)
