"""Descriptions of methods: what a plug-in hands over. Panels, command line and help read them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from viewer.domain.chain import Setting
from viewer.errors import InputRefused

ParameterKind = Literal["float", "int", "bool", "choice"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One typed, ranged parameter; ``unit`` is what a person reads ("mm", "σ", "")."""

    key: str
    title: str
    kind: ParameterKind
    default: Setting
    low: float = 0.0
    high: float = 1.0
    step: float = 0.0
    unit: str = ""
    choices: tuple[str, ...] = ()

    def checked(self, value: Setting) -> Setting:
        """Return ``value`` in this parameter's type.

        Raises
        ------
        InputRefused
            It is out of range, not finite, or no choice.
        """
        if self.kind == "bool":
            return bool(value)
        if self.kind == "choice":
            if value not in self.choices:
                raise InputRefused(f"{self.title} must be one of {', '.join(self.choices)}.")
            return str(value)
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not np.isfinite(number) or not self.low <= number <= self.high:
            raise InputRefused(
                f"{self.title} must lie between {self.low:g} and {self.high:g} {self.unit}".strip()
                + "."
            )
        if self.kind == "int" and number != int(number):
            raise InputRefused(f"{self.title} must be a whole number.")
        return int(number) if self.kind == "int" else number


def default_parameters(parameters: Sequence[Parameter]) -> dict[str, Setting]:
    """Return the parameters at their defaults."""
    return {parameter.key: parameter.default for parameter in parameters}


def checked_parameters(
    title: str, parameters: Sequence[Parameter], values: Mapping[str, Setting]
) -> dict[str, Setting]:
    """Return all parameters of what is called ``title``, checked, defaults filled in.

    Raises
    ------
    InputRefused
        A name is no parameter of it, or a value is out of range.
    """
    known = {parameter.key: parameter for parameter in parameters}
    for name in values:
        if name not in known:
            raise InputRefused(f"{title} has no parameter called {name}.")
    return {
        key: parameter.checked(values.get(key, parameter.default))
        for key, parameter in known.items()
    }


@dataclass(frozen=True, slots=True)
class PlaneContext:
    """What a 2-D filter may know: pixel size (row, column) in mm, and the value's unit (UCUM)."""

    pixel_mm: tuple[float, float]
    unit: str


@dataclass(frozen=True, slots=True)
class VolumeContext:
    """What a 3-D filter may know: distances of voxels (k, j, i) in mm, and the value's unit."""

    spacing_kji_mm: tuple[float, float, float]
    unit: str


class Asked(Protocol):
    """What long work asks of its job (``jobs.Ticket`` is one)."""

    def check(self) -> None:
        """Raise if the work was cancelled."""

    def report(self, fraction: float | None, text: str = "") -> None:
        """Tell how far the work is."""


FilterFunction = Callable[
    [NDArray[np.float32], Mapping[str, Any], PlaneContext], NDArray[np.float32]
]
VolumeFunction = Callable[
    [NDArray[np.float32], Mapping[str, Any], VolumeContext, Asked], NDArray[np.float32]
]
FilterGroup = Literal["Intensity", "Noise", "Edges", "Artifacts", "Frequency", ""]

WHOLE = 1_000_000  # a reach that no picture has: every pixel may depend on every other


@dataclass(frozen=True, slots=True)
class Filter:
    """An enhancement: float32 (row, column) in, the same shape out; finite stays finite.

    ``purpose`` is one sentence of what it is for, ``caution`` one of what it can fake, ``source``
    the paper or standard. ``reach_px`` gives the neighbourhood (pixels) for parameters and context,
    ``WHOLE`` where it is the whole picture.

    ``group`` is the heading it stands under. ``is_slow``: a plane takes longer than a drag of a
    slider allows. ``modalities`` (DICOM codes) are those it was made for, none: all. ``unit_after``
    is the unit (UCUM) of its values, "{unit}" standing for the picture's; empty: it keeps it.
    ``volume_function`` does the same in three dimensions, None where that makes no sense.
    """

    key: str
    title: str
    purpose: str
    caution: str
    source: str
    parameters: tuple[Parameter, ...]
    function: FilterFunction
    reach_px: Callable[[Mapping[str, Any], PlaneContext], int]
    group: FilterGroup = ""
    is_slow: bool = False
    modalities: tuple[str, ...] = ()
    unit_after: str = ""
    volume_function: VolumeFunction | None = None

    def result_unit(self, unit: str) -> str:
        """Return the unit (UCUM) of what it makes of values in ``unit``."""
        return self.unit_after.replace("{unit}", unit) if self.unit_after else unit

    def defaults(self) -> dict[str, Setting]:
        """Return the parameters at their defaults."""
        return default_parameters(self.parameters)

    def checked(self, values: Mapping[str, Setting]) -> dict[str, Setting]:
        """Return all parameters, checked, defaults filled in.

        Raises
        ------
        InputRefused
            A name is not a parameter of this filter, or a value is out of range.
        """
        return checked_parameters(self.title, self.parameters, values)


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network's architecture by name: ``build(options)`` returns a torch module.

    ``build`` imports torch late; it is called in the worker process only.
    """

    key: str
    title: str
    source: str
    build: Callable[[Mapping[str, Any]], Any]
