"""Runs an enhancement chain. Numbers for measurements never come from here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from viewer.domain.chain import Chain, Setting, Step
from viewer.domain.methods import Filter, PlaneContext, VolumeContext
from viewer.domain.volume import Picture
from viewer.errors import InputRefused, ViewerError
from viewer.jobs.job import Ticket

Plane2D = NDArray[np.float32]
Steps = tuple[Step, ...]


class Stages(Protocol):
    """Keeps what the first steps of a chain gave, so that a change of the last computes but that."""

    def recall(self, steps: Steps) -> Plane2D | None:
        """Return what ``steps`` gave, None if it was not kept."""

    def keep(self, steps: Steps, values: Plane2D) -> None:
        """Keep what ``steps`` gave."""


@dataclass(frozen=True, eq=False)
class Enhanced:
    """A plane after its chain, and the steps that failed: they had no effect."""

    values: Plane2D
    failures: tuple[tuple[Step, str], ...] = ()


def enhanced(
    values: Plane2D, chain: Chain, filters: Mapping[str, Filter], context: PlaneContext
) -> Plane2D:
    """Return ``values`` (row, column; float32; the quantity) after all active steps.

    NaN stays where it was, and infinite values become NaN: filters see the median instead, since
    running sums would spread them. Steps that are switched off have no effect.

    Raises
    ------
    ViewerError
        A filter is unknown, raised, or returned another shape or values that are not finite.
    """
    missing, current = _filled(values)
    for step in chain.active.steps:
        current = _applied(step, filters, current, context)
    current[missing] = np.nan
    return current


def enhanced_as_far_as_possible(
    values: Plane2D,
    chain: Chain,
    filters: Mapping[str, Filter],
    context: PlaneContext,
    *,
    check: Callable[[], None] = lambda: None,
    stages: Stages | None = None,
) -> Enhanced:
    """Return ``values`` after all active steps that work; a step that fails is left out, and said.

    ``check`` is called between steps and may raise to stop. ``stages`` keeps what came between.
    """
    missing, current = _filled(values)
    steps = chain.active.steps
    done = 0
    for n in range(len(steps), 0, -1) if stages is not None else ():
        known = stages.recall(steps[:n]) if stages is not None else None
        if known is not None:
            current, done = known.copy(), n
            break
    failures: list[tuple[Step, str]] = []
    for n, step in enumerate(steps[done:], done + 1):
        check()
        try:
            current = _applied(step, filters, current, context)
        except ViewerError as error:
            failures.append((step, error.sentence()))
        if stages is not None and not failures:
            stages.keep(steps[:n], current.copy())
    current[missing] = np.nan
    return Enhanced(current, tuple(failures))


def enhanced_volume(
    picture: Picture,
    chain: Chain,
    filters: Mapping[str, Filter],
    ticket: Ticket,
    *,
    whole: bool = False,
) -> NDArray[np.float32]:
    """Return all images (k, j, i) after the chain, each in its own plane as it was acquired.

    With ``whole``, filters that have a form in three dimensions use it.

    Raises
    ------
    InputRefused
        The picture holds colour, or was not read in full; or ``whole``, and the images do not form
        a volume.
    ViewerError
        As ``enhanced`` does.
    """
    refuse_half_read(picture)
    if whole and not picture.is_volume:
        raise InputRefused(
            "Filters in three dimensions need a volume; these images form none.",
            remedy="Filter them plane by plane.",
        )
    found = picture.quantity.block(picture.stored)
    runs = _runs(chain, filters, whole=whole)
    for n, (is_whole, steps) in enumerate(runs):
        share = _Share(ticket, n / len(runs), 1 / len(runs))
        if is_whole:
            found = _in_three_dimensions(picture, steps[0], filters, found, share)
        else:
            _plane_by_plane(picture, Chain(steps), filters, found, share)
    return found


@dataclass(frozen=True, slots=True)
class _Share:
    """A ticket for one part of the work, from ``start`` on."""

    ticket: Ticket
    start: float
    size: float

    def check(self) -> None:
        """Raise if the work was cancelled."""
        self.ticket.check()

    def report(self, fraction: float | None, text: str = "") -> None:
        """Tell how far this part is, as a share of all."""
        done = None if fraction is None else self.start + self.size * fraction
        self.ticket.report(done, text)


def _runs(chain: Chain, filters: Mapping[str, Filter], *, whole: bool) -> list[tuple[bool, Steps]]:
    """Return steps in their order: single ones in three dimensions, others together by planes."""
    found: list[tuple[bool, Steps]] = []
    for step in chain.active.steps:
        filter_ = filters.get(step.key)
        is_whole = whole and filter_ is not None and filter_.volume_function is not None
        if is_whole or not found or found[-1][0]:
            found.append((is_whole, (step,)))
        else:
            found[-1] = (False, (*found[-1][1], step))
    return found


def _plane_by_plane(
    picture: Picture,
    chain: Chain,
    filters: Mapping[str, Filter],
    values: NDArray[np.float32],
    share: _Share,
) -> None:
    across, down, _ = picture.grid.spacing_ijk_mm
    context = PlaneContext((down, across), picture.quantity.unit)
    for k in range(len(values)):
        share.check()
        values[k] = enhanced(values[k], chain, filters, context)
        share.report((k + 1) / len(values), f"image {k + 1} of {len(values)}")


def _in_three_dimensions(
    picture: Picture,
    step: Step,
    filters: Mapping[str, Filter],
    values: NDArray[np.float32],
    share: _Share,
) -> NDArray[np.float32]:
    filter_ = filters[step.key]
    context = VolumeContext(picture.grid.spacing_ijk_mm[::-1], picture.quantity.unit)
    function = filter_.volume_function
    assert function is not None  # noqa: S101 - the caller has looked
    share.report(0.0, filter_.title)
    return _usable(
        filter_,
        lambda: function(values, _checked(filter_, step.values()), context, share),
        values.shape,
    )


def refuse_half_read(picture: Picture) -> None:
    """Refuse pictures of which no whole series of values can be made.

    Raises
    ------
    InputRefused
        The picture holds colour, or was not read in full.
    """
    if picture.is_colour:
        raise InputRefused("A series can be made of grey images only; these hold colour.")
    if not picture.is_loaded:
        raise InputRefused("Not all images were read yet.", remedy="Wait until they are.")


def _filled(values: Plane2D) -> tuple[NDArray[np.bool_], Plane2D]:
    """Return where there is no value, and a copy with the median there."""
    missing = ~np.isfinite(values)
    current = np.array(values, dtype=np.float32)
    if missing.any():
        known = current[~missing]
        current[missing] = np.median(known) if known.size else 0.0
    return missing, current


def _applied(
    step: Step, filters: Mapping[str, Filter], values: Plane2D, context: PlaneContext
) -> Plane2D:
    if step.key not in filters:
        raise ViewerError(f"There is no filter called {step.key}.", remedy="Remove the step.")
    filter_ = filters[step.key]
    checked = _checked(filter_, step.values())
    return _usable(filter_, lambda: filter_.function(values, checked, context), values.shape)


def _usable(
    filter_: Filter, call: Callable[[], NDArray[np.float32]], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return what a filter gave, float32; whatever it raises becomes a sentence with its title."""
    try:
        with np.errstate(over="ignore"):  # what is too large for float32 is found below
            result = np.array(call(), dtype=np.float32)
    except ViewerError:
        raise
    except Exception as error:
        raise ViewerError(
            f"The filter failed: {type(error).__name__}.",
            where=filter_.title,
            remedy="The original is shown; switch the step off.",
        ) from error
    if result.shape != shape or not np.isfinite(result).all():
        raise ViewerError(
            "The filter returned no usable picture.",
            where=filter_.title,
            remedy="The original is shown; switch the step off.",
        )
    return result


def _checked(filter_: Filter, parameters: Mapping[str, Setting]) -> dict[str, Setting]:
    try:
        return filter_.checked(parameters)
    except ViewerError as error:
        raise type(error)(error.what, where=filter_.title, remedy=error.remedy) from error
