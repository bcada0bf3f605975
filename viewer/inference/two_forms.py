"""The second form of a network: ``model.onnx`` beside its weights, once it says the same."""

import hashlib
from dataclasses import replace
from pathlib import Path

from viewer.domain.card import NetworkCard
from viewer.errors import Damaged
from viewer.inference.cards import ONNX
from viewer.inference.results import OnnxForm
from viewer.inference.supervisor import Supervisor
from viewer.jobs.job import Ticket


def add_onnx_form(
    supervisor: Supervisor, card: NetworkCard, folder: Path, ticket: Ticket
) -> NetworkCard:
    """Write ``model.onnx`` into ``folder`` and return the card that names it.

    The card without an ONNX form must be known to ``supervisor``; afterwards the new one is.

    Raises
    ------
    Damaged
        The two forms do not agree; nothing was written.
    Unsupported
        torch, or every engine that reads ONNX, is missing.
    """
    made = supervisor.onnx_form(replace(card, onnx_sha256=""), ticket)
    refuse_disagreement(card, made)
    (folder / ONNX).write_bytes(made.data)
    both = replace(card, onnx_sha256=hashlib.sha256(made.data).hexdigest())
    supervisor.install(both, folder)
    return both


def refuse_disagreement(card: NetworkCard, made: OnnxForm) -> None:
    """Return if all engines say the same.

    Raises
    ------
    Damaged
        One does not.
    """
    if not made.agrees:
        worst = max((one["max_abs"] for one in made.compared.values()), default=float("nan"))
        raise Damaged(
            f"The two forms of {card.title} do not agree (logits differ by up to {worst:.2g}).",
            remedy="Run it with torch, and do not give its ONNX form away.",
        )
