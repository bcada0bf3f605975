"""The enhanced part of one pane: which pixels are shown instead, and what is written about them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from viewer.domain.chain import Chain
from viewer.domain.chain_text import result_unit
from viewer.domain.geometry import Plane
from viewer.domain.methods import Filter
from viewer.domain.quantity import readable_unit
from viewer.domain.volume import Picture, Window, WindowFunction
from viewer.imaging.luminance import Channel, brightness, channel_for, with_brightness
from viewer.imaging.section import Section, quantity_of
from viewer.rendering.annotate import Mark
from viewer.rendering.compose import left_of
from viewer.session.enhancer import Enhancer, Shown, Wish, place_of

_LIMIT_PERCENT = 99.5
_NO_CHANGE = 1e-3  # of the largest
_UNIT_PERCENT = (1.0, 99.0)


@dataclass(frozen=True, eq=False)
class EnhancedView:
    """What ``compose`` takes instead of the picture's own values; ``marks`` say so.

    ``window`` None: the picture's own. ``split`` false: the line means nothing here.
    """

    cut: Section
    values: NDArray[np.float32] | None = None
    window: Window | None = None
    palette: str = "grey"
    split: bool = True
    marks: tuple[Mark, ...] = ()
    shown: Shown | None = None


def enhanced_view(  # noqa: PLR0913 - a pane, a plane, a picture, and how they are to be seen
    enhancer: Enhancer,
    filters: Mapping[str, Filter],
    picture: Picture,
    pane: tuple[str, Plane],
    cut: Section,
    chain: Chain,
    *,
    compare: str = "",
    split_x: float | None = None,
    is_masked: bool = False,
) -> EnhancedView:
    """Return how ``pane`` shows ``cut`` after ``chain``.

    ``is_masked``: a shutter lies on the cut, so that it is kept apart, and nothing is computed
    ahead.
    """
    if not chain.is_active:
        return EnhancedView(cut)
    name, plane = pane
    wish = Wish(picture, cut, chain, place_of(picture, plane, cut, is_masked))
    shown = enhancer.shown(name, plane, wish, may_look_ahead=not is_masked)
    marks = (_mark(chain, filters, shown, picture), *_left_out(filters, shown))
    if shown.values is None:
        return EnhancedView(cut, marks=marks, shown=shown)
    if compare == "difference":
        return _difference(picture, cut, chain, filters, shown, marks)
    if picture.is_colour:
        coloured = _coloured(cut, shown.values, channel_for(chain, filters), split_x)
        return EnhancedView(coloured, marks=marks, shown=shown)
    return EnhancedView(
        cut,
        shown.values,
        window=_window_of_unit(picture, chain, filters, shown.values),
        marks=marks,
        shown=shown,
    )


def _window_of_unit(
    picture: Picture, chain: Chain, filters: Mapping[str, Filter], values: NDArray[np.float32]
) -> Window | None:
    """Return a window for values in another unit than the picture's, None where it is the same."""
    if result_unit(chain, filters, picture.quantity.unit) == picture.quantity.unit:
        return None
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    low, high = (float(v) for v in np.percentile(finite, _UNIT_PERCENT))
    width = max(high - low, 1e-6)
    return Window((low + high) / 2, width, function=WindowFunction.LINEAR_EXACT)


def _mark(chain: Chain, filters: Mapping[str, Filter], shown: Shown, picture: Picture) -> Mark:
    """Return the mark with the names of the steps that had an effect, and how far they are."""
    failed = {step for step, _reason in shown.failures}
    steps = [step for step in chain.active.steps if step not in failed]
    names = ", ".join(filters[s.key].title if s.key in filters else s.key for s in steps)
    if picture.is_colour:
        names += f" ({channel_for(chain, filters)})"
    if shown.values is None:
        return Mark(f"ENHANCING …  {names}: the original is shown", "warning")
    if not steps:
        return Mark("THE ORIGINAL IS SHOWN", "warning")
    unit = result_unit(chain, filters, picture.quantity.unit)
    tail = "" if unit == picture.quantity.unit else f"  [{_unit_text(unit, picture)}]"
    heads = {"exact": "ENHANCED", "coarse": "ENHANCED, COARSE …", "waiting": "ENHANCING …"}
    return Mark(f"{heads[shown.state]}  {names}{tail}", "enhanced")


def _left_out(filters: Mapping[str, Filter], shown: Shown) -> Iterator[Mark]:
    """Yield a mark with the names of steps that failed here."""
    names = [filters[s.key].title if s.key in filters else s.key for s, _ in shown.failures]
    if names and shown.values is not None:
        yield Mark(f"LEFT OUT  {', '.join(names)}", "warning")


def _unit_text(unit: str, picture: Picture) -> str:
    """Return a filter's unit as a person reads it: "HU/mm²"."""
    own = picture.quantity.unit
    name = picture.quantity.name or readable_unit(own) or "value"
    if unit.startswith(f"{own}/"):
        return f"{name}{unit.removeprefix(own)}".replace("mm2", "mm²")
    return readable_unit(unit) or "no unit"


def _difference(
    picture: Picture,
    cut: Section,
    chain: Chain,
    filters: Mapping[str, Filter],
    shown: Shown,
    marks: tuple[Mark, ...],
) -> EnhancedView:
    """Return enhanced less original, black where nothing changed, on a scale alike both ways."""
    if picture.is_colour:
        before = brightness(cut.values, channel_for(chain, filters))
        unit = "levels"
    else:
        before = quantity_of(cut, picture)
        unit = picture.quantity.name or readable_unit(picture.quantity.unit)
    if result_unit(chain, filters, picture.quantity.unit) != picture.quantity.unit:
        mark = Mark("NO DIFFERENCE: the filter's values have another unit", "warning")
        return EnhancedView(cut, marks=(*marks, mark), shown=shown)
    assert shown.values is not None  # noqa: S101 - the caller has looked
    found = shown.values - before
    limit = difference_limit(found)
    text = f"DIFFERENCE  enhanced − original: blue −{limit:g} … orange +{limit:g} {unit}".rstrip()
    return EnhancedView(
        replace(cut, values=found, is_quantity=True),
        window=Window(0.0, 2 * limit, function=WindowFunction.LINEAR_EXACT),
        palette="difference",
        split=False,
        marks=(*marks, Mark(text, "plain")),
        shown=shown,
    )


def difference_limit(found: NDArray[np.float32]) -> float:
    """Return the end of the scale: 1, 2 or 5 times a power of ten.

    99.5 % of the changes lie below it; what did not change has no say. Round numbers keep the
    scale the same from plane to plane, as far as that is possible.
    """
    size = np.abs(found[np.isfinite(found)])
    most = float(size.max()) if size.size else 0.0
    if not most > 0:
        return 1.0
    wanted = float(np.percentile(size[size > _NO_CHANGE * most], _LIMIT_PERCENT))
    decade = 10.0 ** float(np.floor(np.log10(wanted)))
    ends = [step * decade for step in (1.0, 2.0, 5.0, 10.0, 20.0)]
    return float(next(end for end in ends if end >= wanted))


def _coloured(
    cut: Section, values: NDArray[np.float32], channel: Channel, split_x: float | None
) -> Section:
    found = with_brightness(cut.values, values, channel)
    if split_x is not None:
        np.copyto(found, cut.values, where=left_of(cut, split_x)[..., None])
    return replace(cut, values=found)
