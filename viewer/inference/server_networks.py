"""The networks of a server, as cards in the list of networks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from viewer.domain.card import NetworkCard
from viewer.domain.quantity import Code
from viewer.errors import BackendLost
from viewer.inference.backend import Backend
from viewer.inference.messages import Message

MONAI_LABEL = "monai_label"
_MOST = 255
_UNKNOWN = "The server does not say."


@dataclass(frozen=True)
class ServerAnswer:
    """What a server says of itself; ``networks`` are keys of ours, ``cards`` networks of its own."""

    name: str
    version: str
    extensions: tuple[str, ...]
    networks: tuple[str, ...]
    cards: tuple[NetworkCard, ...] = ()
    is_ready: bool = True


def server_answer(answer: Message, backend: Backend) -> ServerAnswer:
    """Return the worker's word on a server.

    Raises
    ------
    BackendLost
        It makes no sense.
    """
    header = answer.header
    try:
        rows = [(str(row["key"]), dict(row["labels"])) for row in header["networks"]]
        cards = tuple(_card(key, labels, backend) for key, labels in rows)
        return ServerAnswer(
            str(header["name"]),
            str(header["version"]),
            tuple(str(one) for one in header["extensions"]),
            tuple(key for key, _ in rows),
            cards if backend.is_monai_label else (),
            bool(header.get("is_ready", True)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BackendLost("The server's list of networks makes no sense.") from error


def _card(key: str, labels: Mapping[str, Any], backend: Backend) -> NetworkCard:
    """Return a card that says what is known of a network on a MONAI Label server: little."""
    numbers = {int(n): str(name) for n, name in labels.items()}
    highest = min(max(numbers, default=1), _MOST)
    return NetworkCard(
        key=key,
        title=f"{key} ({backend.host_and_port})",
        version="",
        task="segment",
        architecture=MONAI_LABEL,
        options=(),
        weights_sha256="",
        modality="",
        spacing_ijk_mm=(1.0, 1.0, 1.0),
        tile_kji=(1, 1, 1),
        window_low=0.0,
        window_high=1.0,
        n_classes=highest + 1,
        concept=Code("123037004", "SCT", "Anatomical Structure"),
        trained_on=_UNKNOWN,
        intended_use=_UNKNOWN,
        limits="Runs on the server as its administrator set it up; nothing of it can be checked here.",
        licence=_UNKNOWN,
        figures=(),
        answers="classes",
        classes=tuple(numbers.get(n, f"label {n}") for n in range(highest + 1))[1:],
    )
