"""The worker's job of explaining an answer about a flat picture."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.errors import Unsupported
from viewer.inference import probe
from viewer.inference.backend import Backend
from viewer.inference.handover import mapped
from viewer.inference.image_input import prepared
from viewer.inference.image_scores import odds_against_rest
from viewer.inference.messages import Message
from viewer.inference.occlusion import occlusion
from viewer.inference.predictor import Engine
from viewer.inference.worker.image_tasks import Computing
from viewer.inference.worker.orders import Orders

Floats = NDArray[np.float32]

_REMEDY = "Choose occlusion, which needs none."


def explain_image(computing: Computing, orders: Orders, message: Message) -> None:
    """Answer with the map float32 (rows, columns) of one picture at the network's own size."""
    picture = np.asarray(mapped(message.header["pictures"]), dtype=np.float32)
    method, number = str(message.header["method"]), int(message.header["class"])
    if method != "occlusion":
        message = with_torch(message)

    def work(card: NetworkCard, engine: Engine) -> tuple[Floats, float | None]:
        seen = np.ascontiguousarray(prepared(picture, card))
        if method == "occlusion":
            return _occluded(seen, card, engine, number, orders), None
        return _by_gradients(seen, card, engine, method, number, orders)

    (found, gap), engine, notes = computing.computed(message, work)
    values = np.ascontiguousarray(found, dtype=np.float32)
    orders.answer(
        "done",
        [values.data],
        shape=list(values.shape),
        sum_gap=gap,
        notes=list(notes),
        device=engine.device,
        engine=engine.name,
        precision="float32",
    )


def with_torch(message: Message) -> Message:
    """Return the job with the engine that gives gradients.

    Raises
    ------
    Unsupported
        It runs on a server, torch is not there, or the network has the ONNX form alone.
    """
    backend = Backend.from_table(message.header.get("backend", {}))
    table: dict[str, Any] = message.header["card"]
    title = str(table.get("title", "This network"))
    if not backend.is_local:
        raise Unsupported(f"{title} runs on a server, which gives no gradients.", remedy=_REMEDY)
    if "torch" not in probe.engines():
        raise Unsupported(
            "Gradients need torch, which is not installed.",
            remedy=f"Install torch (negatoscope backends says how). Or: {_REMEDY}",
        )
    if str(table.get("architecture", "")).startswith("onnx"):
        raise Unsupported(
            f"{title} is there as ONNX alone, which gives no gradients.", remedy=_REMEDY
        )
    asked = replace(backend, engine="torch", precision="auto")
    return replace(message, header={**message.header, "backend": asked.to_table()})


def _occluded(
    seen: Floats, card: NetworkCard, engine: Engine, number: int, orders: Orders
) -> Floats:
    n_classes = len(card.classes)

    def score(pictures: Floats) -> Floats:
        answers = engine.predict(np.ascontiguousarray(pictures))
        n_members = max(answers.shape[1] // n_classes, 1)
        logits = answers[:, : n_members * n_classes].astype(np.float64)
        odds = odds_against_rest(logits.reshape(len(answers), n_members, n_classes))
        return np.asarray(odds[..., number].mean(axis=1), dtype=np.float32)

    return occlusion(seen, score, orders.report)


def _by_gradients(
    seen: Floats, card: NetworkCard, engine: Engine, method: str, number: int, orders: Orders
) -> tuple[Floats, float | None]:
    from viewer.inference.worker.gradients import grad_cam, integrated_gradients
    from viewer.inference.worker.torch_predictor import TorchPredictor

    if not isinstance(engine, TorchPredictor):
        raise Unsupported(f"{engine.name} gives no gradients.", remedy=_REMEDY)
    if method == "grad_cam":
        orders.report(0.1, "following the gradients")
        return grad_cam(engine.network, seen, number, len(card.classes)), None
    return integrated_gradients(engine.network, seen, number, len(card.classes), orders.report)
