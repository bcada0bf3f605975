"""The enhancement chain of the shown picture. Measurements keep reading the original voxels."""

from collections.abc import Sequence

from viewer.actions.context import Context, Notice, has_picture
from viewer.actions.registry import Choice, action
from viewer.domain.chain import Chain, Setting, Step
from viewer.domain.chain_text import group_of
from viewer.domain.methods import Filter
from viewer.errors import InputRefused
from viewer.session.edits_chain import SetChain


def chain_of(context: Context) -> Chain:
    """Return the chain of the shown picture."""
    return context.session.state.chain(context.need_picture().key)


def filter_of(context: Context, key: str) -> Filter:
    """Return a filter by its key.

    Raises
    ------
    InputRefused
        There is none.
    """
    try:
        return context.extensions.filters[key]
    except KeyError:
        raise InputRefused(f"There is no filter called {key}.") from None


def filter_title(context: Context, key: str) -> str:
    """Return the title of a filter, its key if the filter is gone."""
    found = context.extensions.filters.get(key)
    return key if found is None else found.title


def _set(context: Context, chain: Chain, name: str, merge_key: str = "") -> None:
    edit = SetChain(context.need_picture().key, chain, name)
    context.session.apply(edit, merge_key=merge_key)


def _filters(context: Context) -> Sequence[Choice]:
    found = sorted(context.extensions.filters.values(), key=group_of)
    return [Choice(f.title, {"filter": f.key}, group=group_of(f)) for f in found]


@action(
    "enhance.add",
    "Add a filter",
    group="Enhance",
    choices=_filters,
    enabled=has_picture,
    slow_choices=True,
)
def add(context: Context, *, filter: str) -> None:  # noqa: A002 - the field's word
    """Add a filter at the end of the chain, with its usual settings."""
    found = filter_of(context, filter)
    chain = chain_of(context)
    step = Step.of(found.key, found.defaults())
    _set(context, Chain((*chain.steps, step)), f"add {found.title}")


def _no_steps(context: Context) -> str:
    if context.picture is None:
        return "No study is open."
    return "" if chain_of(context).steps else "No filter was added."


@action("enhance.set", "Set a filter's parameter", group="Enhance", enabled=_no_steps)
def set_parameter(context: Context, *, index: int, parameter: str, value: Setting) -> None:
    """Change one parameter of one step; a drag of the slider becomes one entry to undo."""
    chain = chain_of(context)
    step = chain.steps[index]
    found = filter_of(context, step.key)
    values = found.checked({**step.values(), parameter: value})
    name = f"{found.title}: {parameter}"
    _set(
        context,
        chain.replaced(
            index,
            Step.of(step.key, values) if step.on else step.with_value(parameter, values[parameter]),
        ),
        name,
        f"chain:{index}:{parameter}",
    )


@action("enhance.toggle", "Switch a filter on or off", group="Enhance", enabled=_no_steps)
def toggle(context: Context, *, index: int) -> None:
    """Switch one step of the chain on or off."""
    chain = chain_of(context)
    step = chain.steps[index]
    title = filter_of(context, step.key).title
    switched = Step(step.key, step.parameters, not step.on)
    _set(context, chain.replaced(index, switched), f"{title} {'on' if switched.on else 'off'}")


@action("enhance.give_up", "Switch a failed filter off", group="Enhance", enabled=_no_steps)
def give_up(context: Context, *, filter: str, reason: str) -> None:  # noqa: A002
    """Switch a filter that failed off in the chain, and say why; the picture stays."""
    chain = chain_of(context)
    for index, step in enumerate(chain.steps):
        if step.key == filter and step.on:
            off = Step(step.key, step.parameters, on=False)
            _set(
                context, chain.replaced(index, off), f"{filter_title(context, filter)} off: failed"
            )
            context.door.tell(Notice("warning", f"{reason} It is switched off."))
            return


@action("enhance.remove", "Remove a filter", group="Enhance", enabled=_no_steps)
def remove(context: Context, *, index: int) -> None:
    """Take one step out of the chain."""
    chain = chain_of(context)
    title = filter_title(context, chain.steps[index].key)
    _set(context, chain.removed(index), f"remove {title}")


@action("enhance.move", "Move a filter", group="Enhance", enabled=_no_steps)
def move(context: Context, *, index: int, to: int) -> None:
    """Put one step of the chain at another place."""
    chain = chain_of(context)
    if not 0 <= to < len(chain.steps):
        return
    title = filter_title(context, chain.steps[index].key)
    _set(context, chain.moved(index, to), f"move {title}")


@action("enhance.clear", "Remove all filters", group="Enhance", enabled=_no_steps)
def clear(context: Context) -> None:
    """Show the picture as it was acquired."""
    _set(context, Chain(), "remove all filters")


@action("enhance.split", "Split line", group="Enhance", keys=("S",), enabled=_no_steps)
def split(context: Context, *, position: float | None = None) -> None:
    """Show the original left of a line and the enhanced picture right of it; drag the line."""
    look = context.viewing.look
    if position is not None:
        context.viewing.set(split=min(1.0, max(0.0, position)))
    else:
        context.viewing.set(split=0.5 if look.split is None else None)


def _compare(context: Context, kind: str) -> None:
    now = context.viewing.look.compare
    context.viewing.set(compare="" if now == kind else kind, original=False)


@action("enhance.flicker", "Flicker", group="Enhance", keys=("Alt+F",), enabled=_no_steps)
def flicker(context: Context) -> None:
    """Show original and enhanced picture in turn, in the same place; again to stop."""
    _compare(context, "flicker")


@action("enhance.side", "Side by side", group="Enhance", keys=("Alt+S",), enabled=_no_steps)
def side(context: Context) -> None:
    """Show the original beside the enhanced picture; both scroll, zoom and window together."""
    _compare(context, "side")


@action("enhance.difference", "What changed", group="Enhance", keys=("Alt+D",), enabled=_no_steps)
def difference(context: Context) -> None:
    """Show enhanced less original: blue is lower, orange higher, black has not changed."""
    _compare(context, "difference")


@action("enhance.original", "Show the original", group="Enhance", enabled=_no_steps)
def original(context: Context, *, on: bool) -> None:
    """Show the original while the key O is held."""
    context.viewing.set(original=on)
