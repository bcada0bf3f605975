"""The worker's job on networks from elsewhere: their numbers become ours, once they fit."""

from pathlib import Path
from typing import Any

import numpy as np

from viewer.domain.card import NetworkCard
from viewer.errors import Damaged
from viewer.inference.adapted import OUR_AXES, axis_order, example_side
from viewer.inference.cards import card_from_table
from viewer.inference.messages import Message
from viewer.inference.worker.orders import Orders

_SEED = 14


def foreign_weights(orders: Orders, message: Message) -> None:
    """Answer with "state": a safetensors file, or "script": an ONNX file; and what else was found."""
    from viewer.inference.worker.foreign_weights import fitted, read_state, scripted_onnx

    card = card_from_table(message.header["card"], "message")
    path = Path(str(message.header["path"]))
    orders.report(0.1, "reading the weights")
    if message.header["form"] == "script":
        shape = tuple(int(n) for n in message.header["shape"])
        letters = ("k", "j", "i")[-(len(shape) - 2) :]
        axes = {0: "n", **dict(enumerate(letters, start=2))}
        orders.answer("done", [scripted_onnx(path, shape, axes)], facts={})
        return
    import torch
    from safetensors.torch import save

    from viewer.inference.worker.architectures import built

    tensors, facts = read_state(path)
    network = built(card.architecture, dict(card.options))
    found = fitted(tensors, network)
    orders.report(0.5, "trying it")
    network.load_state_dict(found)
    network.eval()
    orders.check()
    with torch.inference_mode():
        answer = network(torch.from_numpy(_noise(trial_shape(card))))
    if not bool(torch.isfinite(answer).all()):
        raise Damaged("The network answers numbers that are not finite.", where=path.name)
    orders.answer("done", [save(found)], facts={**facts, "answered": list(answer.shape)})


def foreign_trial(orders: Orders, message: Message, computed: Any) -> None:
    """Answer with what the installed network says of noise: shape, and whether of probabilities."""
    card = card_from_table(message.header["card"], "message")
    batch = _noise(trial_shape(card))
    found, engine, _notes = computed(message, lambda _card, engine: engine.predict(batch))
    total = found.sum(axis=1)
    between = bool((found >= 0).all() and (found <= 1).all())
    sums_to_one = bool(np.abs(total - 1).max() < 1e-3) if found.shape[1] > 1 else between
    orders.answer(
        "done",
        shape=list(found.shape),
        is_finite=bool(np.isfinite(found).all()),
        are_probabilities=between and sums_to_one,
        engine=engine.name,
    )


def _noise(shape: tuple[int, ...]) -> Any:
    return np.random.default_rng(_SEED).random(shape, dtype=np.float32)


def trial_shape(card: NetworkCard) -> tuple[int, ...]:
    """Return the shape of an input that the network of ``card`` must take: smaller than its tile.

    A network with its own graph may insist on its size; so it gets its tile.
    """
    options = dict(card.options)
    channels = int(options.get("channels", 1))
    sides = list(card.tile_kji)
    if card.architecture != "onnx" and card.reads == "volume":
        sides = [min(side, example_side(card)) for side in sides]
    if card.reads == "volume":
        order, _ = axis_order(str(options.get("axes", OUR_AXES)))
        sides = [sides[axis] for axis in order]
    is_flat = bool(options.get("flat", 0)) or card.reads == "image"
    return (1, channels, *(sides[1:] if is_flat else sides))
