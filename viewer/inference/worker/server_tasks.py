"""What a server says of itself, and a mask that a MONAI Label server makes alone."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from viewer.errors import Unsupported
from viewer.inference.backend import Backend
from viewer.inference.cards import card_from_table
from viewer.inference.handover import mapped, scan_from
from viewer.inference.messages import Message
from viewer.inference.worker import monai_label
from viewer.inference.worker.orders import Orders
from viewer.inference.worker.remote_predictor import transport_to
from viewer.inference.worker.remote_wire import Trouble, WireFault, plain, sentence_of


def server_facts(orders: Orders, message: Message) -> None:
    """Answer with name, version, extensions and networks of the server that the job names."""
    backend = Backend.from_table(message.header["backend"])
    orders.report(0.0, "asking the server")
    if backend.is_monai_label:
        name, models = monai_label.models(backend)
        rows = [
            {"key": key, "labels": {str(n): label for n, label in row["labels"].items()}}
            for key, row in models.items()
        ]
        orders.answer("done", name=name or "MONAI Label", version="", extensions=[], networks=rows)
        return
    orders.answer("done", **_protocol_facts(backend, message.header["keys"]))


def _protocol_facts(backend: Backend, keys: Sequence[str]) -> Mapping[str, Any]:
    transport = transport_to(backend)
    try:
        ready = transport.is_ready()
        facts = transport.server()
        rows = []
        for key in keys:
            try:
                transport.model(str(key))
                rows.append({"key": str(key), "labels": {}})
            except WireFault as fault:
                if fault.trouble not in (Trouble.MISSING, Trouble.REFUSED):
                    raise
    except WireFault as fault:
        raise sentence_of(fault, backend, "a question") from fault
    return {
        "name": plain(facts.name, 60),
        "version": plain(facts.version, 40),
        "extensions": [plain(one, 60) for one in facts.extensions],
        "networks": rows,
        "is_ready": ready,
    }


def segment_by_monai_label(orders: Orders, message: Message, backend: Backend) -> None:
    """Answer a job "segment" with the mask that the server made."""
    started_s = time.monotonic()
    card = card_from_table(message.header["card"], "message")
    if card.architecture != "monai_label":
        raise Unsupported(
            f"A MONAI Label server runs its own networks, not {card.title}.",
            remedy="Choose one of the server's networks, or another backend.",
        )
    scan = scan_from(message.header["scan"], mapped(message.header["voxels"]))
    found, name = monai_label.segmented(scan, card, backend, orders, orders.report)
    orders.answer(
        "done",
        [found.labels.data],
        shape=list(found.labels.shape),
        volumes_mm3=list(found.volumes_mm3),
        names=list(found.names),
        notes=list(found.notes),
        device=backend.where,
        engine=f"MONAI Label {name}".strip(),
        precision="as the server has it",
        seconds=time.monotonic() - started_s,
    )
