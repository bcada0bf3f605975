"""Presets of the enhancement: chains as files, shipped ones and the user's own.

A file ``<key>.toml`` holds title, purpose, caution, modalities, body_parts (both may be empty: for
all), kinds (what it is evaluated on) and the chain as text. One that names an unknown filter, or breaks a range, is left out and
said.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viewer.domain.chain import Chain
from viewer.domain.chain_text import chain_text, parse_chain
from viewer.domain.finding import Finding, Severity
from viewer.domain.methods import Filter
from viewer.domain.study import Series
from viewer.errors import Conflict, InputRefused, ViewerError
from viewer.places import config_folder
from viewer.resources import resource_root

_MOST_BYTES = 64 * 1024
_MOST_FILES = 500
_LONGEST_TITLE = 60
_LONGEST_TEXT = 400
_LARGEST_PIXEL_MM = 50.0
_KEY = re.compile(r"[a-z0-9][a-z0-9_]{0,59}")


@dataclass(frozen=True, slots=True)
class Preset:
    """A chain with a name: what it is for (``purpose``) and what it can fake (``caution``).

    ``modalities`` and ``body_parts`` say for what it is offered first; () for everything.
    ``kinds`` are the generated pictures (``phantom.planes``) that it is tried on; () for all of its
    modality. ``pixel_mm`` is the size of the pixels that its lengths were chosen on, 0 if nobody
    knows. ``is_own``: saved by the user, so that it can be deleted.
    """

    key: str
    title: str
    purpose: str
    caution: str
    chain: Chain
    modalities: tuple[str, ...] = ()
    body_parts: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    pixel_mm: float = 0.0
    is_own: bool = False

    def fits(self, series: Series) -> bool:
        """Whether it was made for such a series."""
        of_modality = not self.modalities or series.modality in self.modalities
        part = series.body_part.upper()
        # What the file does not say is no reason to hide a preset.
        of_part = not self.body_parts or not part or any(p in part for p in self.body_parts)
        return of_modality and of_part


@dataclass(frozen=True)
class Presets:
    """All presets by key, shipped ones first; ``findings`` names the files that were left out."""

    known: Mapping[str, Preset]
    findings: tuple[Finding, ...] = ()

    def offered(self, series: Series | None) -> tuple[Preset, ...]:
        """Return all presets, those that fit ``series`` first."""
        found = tuple(self.known.values())
        if series is None:
            return found
        return tuple(sorted(found, key=lambda preset: not preset.fits(series)))


def shipped_folder() -> Path:
    """Return where the shipped presets lie."""
    return resource_root() / "presets" / "enhance"


def own_folder() -> Path:
    """Return where the user's presets lie; it need not be there."""
    return config_folder() / "presets" / "enhance"


def load_presets(filters: Mapping[str, Filter]) -> Presets:
    """Return the shipped presets and the user's; of two with one key the user's counts."""
    known: dict[str, Preset] = {}
    findings: list[Finding] = []
    for folder, is_own in ((shipped_folder(), False), (own_folder(), True)):
        for path in _files(folder):
            try:
                known[path.stem] = _read(path, filters, is_own=is_own)
            except ViewerError as error:
                text = f"The preset {path.name} is left out: {error.sentence()}"
                findings.append(Finding(Severity.WARNING, path.name, text))
    return Presets(known, tuple(findings))


def save_preset(
    title: str, chain: Chain, filters: Mapping[str, Filter], modalities: Sequence[str] = ()
) -> Preset:
    """Write a preset of the user; its caution is what its filters say of themselves.

    Raises
    ------
    InputRefused
        The title says nothing or is too long, or the chain is empty.
    Conflict
        A preset of this name is there already.
    ViewerError
        The folder cannot be written to.
    """
    title = " ".join(title.split())
    if not title or len(title) > _LONGEST_TITLE or not title.isprintable():
        raise InputRefused(f"A preset needs a name of at most {_LONGEST_TITLE} characters.")
    if not chain.steps:
        raise InputRefused("There is no filter to save.", remedy="Add a filter first.")
    key = _key_of(title)
    path = own_folder() / f"{key}.toml"
    if path.exists() or (shipped_folder() / f"{key}.toml").exists():
        raise Conflict("A preset of this name is there already.", remedy="Choose another name.")
    steps = [filters[step.key] for step in chain.steps if step.key in filters]
    preset = Preset(
        key,
        title,
        "Saved by the user.",
        " ".join(dict.fromkeys(found.caution for found in steps))[:_LONGEST_TEXT],
        chain,
        tuple(modalities),
        is_own=True,
    )
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_suffix(".part")
        temporary.write_text(_text(preset), encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise ViewerError(
            f"The preset cannot be saved ({error.strerror}).",
            where=str(path.parent),
            remedy="Make room, or give yourself the right to write there.",
        ) from error
    return preset


def delete_preset(preset: Preset) -> None:
    """Delete a preset of the user.

    Raises
    ------
    InputRefused
        It came with the program.
    """
    if not preset.is_own or not _KEY.fullmatch(preset.key):
        raise InputRefused("This preset came with the program.", where=preset.title)
    (own_folder() / f"{preset.key}.toml").unlink(missing_ok=True)


def _key_of(title: str) -> str:
    key = re.sub(r"[^a-z0-9]+", "_", title.casefold()).strip("_")[:60]
    if not key:
        raise InputRefused("The name needs a letter or a digit.", remedy="Choose another name.")
    return key


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(folder.glob("*.toml"))[:_MOST_FILES]


def _read(path: Path, filters: Mapping[str, Filter], *, is_own: bool) -> Preset:
    if not _KEY.fullmatch(path.stem):
        raise InputRefused("Its name is made of other signs than a-z, 0-9 and _.")
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputRefused("The file is too large.")
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputRefused("The file cannot be read.") from error
    except RecursionError:
        raise InputRefused("The file is nested too deeply.") from None
    return Preset(
        path.stem,
        _words(values, "title", _LONGEST_TITLE),
        _words(values, "purpose", _LONGEST_TEXT),
        _words(values, "caution", _LONGEST_TEXT),
        parse_chain(_words(values, "chain", _MOST_BYTES), filters),
        _list(values, "modalities"),
        _list(values, "body_parts"),
        tuple(kind.lower() for kind in _list(values, "kinds")),
        _pixel_mm(values),
        is_own,
    )


def _words(values: Mapping[str, Any], name: str, longest: int) -> str:
    text = values.get(name)
    if not isinstance(text, str) or not text.strip() or len(text) > longest:
        raise InputRefused(f"It lacks its {name}, or that is too long.")
    if not text.isprintable():
        raise InputRefused(f"Its {name} holds signs that cannot be printed.")
    return text.strip()


def _list(values: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = values.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise InputRefused(f"Its {name} are no list of words.")
    return tuple(one.upper() for one in found[:32])


def _pixel_mm(values: Mapping[str, Any]) -> float:
    found = values.get("pixel_mm", 0.0)
    if not isinstance(found, int | float) or not 0 <= found <= _LARGEST_PIXEL_MM:
        raise InputRefused("Its pixel_mm is no length.")
    return float(found)


def in_pixels(preset: Preset, filters: Mapping[str, Filter]) -> Chain:
    """Return the preset's chain for images whose pixels have no known size.

    There a filter takes a pixel for a millimetre: lengths become as many pixels as they were on the
    pixels that they were chosen on, as far as the filters' ranges go.
    """
    if not preset.pixel_mm:
        return preset.chain
    steps = []
    for step in preset.chain.steps:
        for parameter in filters[step.key].parameters:
            if parameter.unit == "mm" and parameter.key in step.values():
                pixels = float(step.values()[parameter.key]) / preset.pixel_mm
                step = step.with_value(  # noqa: PLW2901 - grown setting by setting
                    parameter.key, min(max(pixels, parameter.low), parameter.high)
                )
        steps.append(step)
    return Chain(tuple(steps))


def _text(preset: Preset) -> str:
    lines = {
        "title": preset.title,
        "purpose": preset.purpose,
        "caution": preset.caution,
        "chain": chain_text(preset.chain),
    }
    parts = [f"{name} = {_quoted(value)}" for name, value in lines.items()]
    modalities = ", ".join(_quoted(one) for one in preset.modalities)
    return "\n".join([*parts, f"modalities = [{modalities}]", "body_parts = []", ""])


def _quoted(text: str) -> str:
    clean = "".join(char if char.isprintable() else " " for char in text)
    return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'
