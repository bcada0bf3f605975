"""Cards and weights of networks: plain data, loading executes nothing.

A network is a folder with ``card.toml``, ``weights.safetensors`` and, for engines that read it,
``model.onnx``; the card names the SHA-256 of both, and what differs is refused.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from viewer import places
from viewer.domain.card import Figure, NetworkCard
from viewer.domain.quantity import Code
from viewer.errors import Damaged, InputRefused
from viewer.inference.onnx_form import refuse_unsafe_onnx
from viewer.resources import resource_root

GRAPH = "onnx"  # the architecture of a network of which there is nothing but its ONNX file
CARD, WEIGHTS, ONNX = "card.toml", "weights.safetensors", "model.onnx"
_TRIPLES = ("spacing_ijk_mm", "tile_kji")
_TASKS = ("segment", "classify")
_READS = ("volume", "image")
_SCALINGS = ("window", "percentiles", "tracer", "standard")
_ANSWERS = ("mask", "classes", "instances")
_PROMPTS = ("box", "point")
_FLIPS = (1, 8)
_LISTS_OF_TEXT = ("classes", "failure_cases", "prompts")
_LARGEST_CARD = 1 << 20
_MOST_CLASSES = 256
_LARGEST_WEIGHTS = 1 << 30
_AGAIN = "Install the network again."

Installed = tuple[NetworkCard, Path]


def load_card(folder: Path) -> NetworkCard:
    """Return the card of the network in ``folder``.

    Raises
    ------
    Damaged
        The card is missing, cut short, or lacks an entry.
    """
    path = folder / CARD
    try:
        if path.stat().st_size > _LARGEST_CARD:
            raise Damaged("The network's card is far too large.", where=str(path), remedy=_AGAIN)
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Damaged(
            "The network's card cannot be read.", where=str(path), remedy=_AGAIN
        ) from error
    except ValueError as error:
        raise Damaged("The network's card is damaged.", where=str(path), remedy=_AGAIN) from error
    return card_from_table(table, str(path))


def card_from_table(table: Mapping[str, Any], where: str) -> NetworkCard:
    """Return the card that ``table`` (TOML or JSON) describes.

    Raises
    ------
    Damaged
        An entry is missing, unknown, or of the wrong type.
    """
    values = dict(table)
    try:
        options = dict(values.pop("options", {}))
        values["options"] = tuple(sorted(options.items()))
        values["concept"] = Code(**values["concept"])
        values["task"] = {task: task for task in _TASKS}[values["task"]]
        values["reads"] = {kind: kind for kind in _READS}[values.get("reads", "volume")]
        for name in _LISTS_OF_TEXT:
            values[name] = tuple(str(text) for text in values.get(name, ()))
        values["figures"] = tuple(Figure(**figure) for figure in values.get("figures", ()))
        for name in _TRIPLES:
            first, second, third = values[name]
            values[name] = (first, second, third)
        card = NetworkCard(**values)
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(
            "The network's card lacks an entry or has one too many.", where=where, remedy=_AGAIN
        ) from error
    _check(card, where)
    return card


def _check(card: NetworkCard, where: str) -> None:
    texts = ("key", "title", "version", "architecture", "weights_sha256", "onnx_sha256", "modality")
    numbers = (*card.spacing_ijk_mm, *card.tile_kji, card.window_high - card.window_low)
    sound = (
        all(isinstance(getattr(card, name), str) for name in texts)
        and all(_is_positive(n) for n in numbers)
        and 0.0 < card.threshold < 1.0
        and card.scaling in _SCALINGS
        and card.answers in _ANSWERS
        and set(card.prompts) <= set(_PROMPTS)
        and card.n_flips in _FLIPS
        and _is_positive(card.n_classes)
        and 2 <= card.n_classes <= _MOST_CLASSES
    )
    if not sound:
        raise Damaged(
            "The network's card holds an entry that makes no sense.", where=where, remedy=_AGAIN
        )


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and value > 0


def card_to_table(card: NetworkCard) -> dict[str, Any]:
    """Return the card as nested plain values, for TOML and for the way to the worker."""
    table = asdict(card)
    table["options"] = dict(card.options)
    for name in (*_TRIPLES, *_LISTS_OF_TEXT):
        table[name] = list(table[name])
    table["figures"] = list(table["figures"])
    return table


def write_card(card: NetworkCard, folder: Path) -> Path:
    """Write ``card.toml`` into ``folder`` and return its path; it reads back equal."""
    table = card_to_table(card)
    plain = [field.name for field in fields(card) if not isinstance(table[field.name], dict)]
    lines = [f"{name} = {_toml(table[name])}" for name in plain if name != "figures"]
    for name in ("options", "concept"):
        lines += ["", f"[{name}]"]
        lines += [f"{key} = {_toml(value)}" for key, value in table[name].items()]
    for figure in table["figures"]:
        lines += ["", "[[figures]]"]
        lines += [f"{key} = {_toml(value)}" for key, value in figure.items()]
    path = folder / CARD
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    return repr(value)


def verify_weights(folder: Path, card: NetworkCard) -> bytes:
    """Return the bytes of the network's weights, once their SHA-256 is the one its card names.

    The bytes that were checked are the bytes to load: the file is not read a second time.

    Raises
    ------
    Damaged
        The file is missing or differs.
    """
    return _verified(folder / WEIGHTS, card.weights_sha256, card.title)


def verified_forms(folder: Path, card: NetworkCard) -> dict[str, bytes]:
    """Return "safetensors" and, where the card names one, "onnx": the bytes of each form.

    Raises
    ------
    Damaged
        A form that the card names is missing or differs.
    InputRefused
        The ONNX form keeps something in other files.
    """
    # A network that came as a graph has that form alone.
    is_graph = card.architecture == GRAPH
    forms = {} if is_graph else {"safetensors": verify_weights(folder, card)}
    if card.onnx_sha256:
        forms["onnx"] = _verified(folder / ONNX, card.onnx_sha256, card.title)
        refuse_unsafe_onnx(forms["onnx"], str(folder / ONNX))
    return forms


def _verified(path: Path, sha256: str, title: str) -> bytes:
    try:
        if path.stat().st_size > _LARGEST_WEIGHTS:
            raise Damaged("The weights are far too large.", where=str(path), remedy=_AGAIN)
        data = path.read_bytes()
    except OSError as error:
        raise Damaged("The weights cannot be read.", where=str(path), remedy=_AGAIN) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Damaged(
            f"The weights of {title} are not those its card names.",
            where=str(path),
            remedy=_AGAIN,
        )
    return data


def load_cards(*folders: Path) -> dict[str, Installed]:
    """Return key -> (card, folder) of the shipped and the user's networks; broken ones are left out.

    ``folders`` replaces the places that are searched; a later place wins over an earlier one.
    """
    found: dict[str, Installed] = {}
    for place in folders or (resource_root() / "networks", places.data_folder() / "networks"):
        if not place.is_dir():
            continue
        for folder in sorted(path.parent for path in place.glob(f"*/{CARD}")):
            try:
                card = load_card(folder)
            except InputRefused:
                continue
            found[card.key] = (card, folder)
    return found
