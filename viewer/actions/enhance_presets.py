"""Presets of the enhancement: apply one, save the chain as one, delete one's own."""

from collections.abc import Sequence

from viewer.actions.context import Context, Notice, has_picture
from viewer.actions.enhance import chain_of
from viewer.actions.registry import Choice, action
from viewer.domain.chain import Chain
from viewer.domain.chain_text import chain_title
from viewer.errors import InputRefused
from viewer.extensions.presets import (
    Preset,
    Presets,
    delete_preset,
    in_pixels,
    load_presets,
    save_preset,
)
from viewer.session.edits_chain import SetChain

_OTHERS = "For other images"


def presets_of(context: Context) -> Presets:
    """Return all presets, read anew: they are files that a person may change meanwhile."""
    return load_presets(context.extensions.filters)


def offered(context: Context) -> tuple[tuple[Preset, bool], ...]:
    """Return all presets with whether they fit the shown picture; those that do come first."""
    picture = context.picture
    series = None if picture is None else picture.identity.series
    found = presets_of(context).offered(series)
    return tuple((preset, series is None or preset.fits(series)) for preset in found)


def _preset(context: Context, key: str) -> Preset:
    try:
        return presets_of(context).known[key]
    except KeyError:
        raise InputRefused(f"There is no preset called {key}.") from None


def _choices(context: Context) -> Sequence[Choice]:
    if context.picture is None:
        return ()  # the window asks for all keys when it is made: it need not wait for files
    return [
        Choice(preset.title, {"preset": preset.key}, group="" if fits else _OTHERS)
        for preset, fits in offered(context)
    ]


@action("enhance.preset", "Apply a preset", group="Enhance", choices=_choices, enabled=has_picture)
def apply(context: Context, *, preset: str) -> None:
    """Replace the chain of this series by a preset's; says what it can fake."""
    found = _preset(context, preset)
    picture = context.need_picture()
    chain = found.chain
    if not picture.spacing.is_known:
        chain = in_pixels(found, context.extensions.filters)
    context.session.apply(SetChain(picture.key, chain, f"preset {found.title}"))
    context.door.tell(Notice("done", f"{found.title}: {found.caution}", found.purpose))


def _has_chain(context: Context) -> str:
    reason = has_picture(context)
    return reason or ("" if chain_of(context).steps else "No filter was added.")


@action("enhance.save_preset", "Save the chain as a preset", group="Enhance", enabled=_has_chain)
def save(context: Context, *, name: str = "") -> None:
    """Keep the chain of this series under a name, for images of the same modality."""
    chain = chain_of(context)
    series = context.need_picture().identity.series
    title = name or chain_title(Chain(chain.steps), context.extensions.filters)[:60]
    modalities = (series.modality,) if series.modality else ()
    made = save_preset(title, chain, context.extensions.filters, modalities)
    context.door.tell(Notice("done", f"The preset {made.title} is saved."))


def _own(context: Context) -> Sequence[Choice]:
    if context.picture is None:
        return ()
    known = presets_of(context).known.values()
    return [Choice(preset.title, {"preset": preset.key}) for preset in known if preset.is_own]


@action("enhance.delete_preset", "Delete a preset", group="Enhance", choices=_own)
def delete(context: Context, *, preset: str) -> None:
    """Delete one of your own presets; chains that were made with it stay."""
    found = _preset(context, preset)
    delete_preset(found)
    context.door.tell(Notice("done", f"The preset {found.title} is deleted."))
