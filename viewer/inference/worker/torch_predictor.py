"""The reference engine: torch, on the graphics card if there is one, else on the processor."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from viewer.domain.card import NetworkCard
from viewer.errors import Damaged, OutOfResources
from viewer.inference.worker.architectures import built
from viewer.inference.worker.pace import Pace


def device_name() -> str:
    """Return where torch will compute, as a person reads it."""
    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    n_threads = torch.get_num_threads()
    return f"CPU, {n_threads} thread{'s' if n_threads > 1 else ''}"


def device() -> torch.device:
    """Return the device to compute on."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class TorchPredictor:
    """A network with its weights, ready to predict; float32.

    ``check`` is called before every layer and may raise: so a cancel reaches inside a tile.
    """

    def __init__(self, card: NetworkCard, weights: bytes, check: Callable[[], None]) -> None:
        self.device = device_name()
        self._place = device()
        self._pace = Pace()
        network = built(card.architecture, dict(card.options))
        load_weights(network, weights)
        self._network = network.eval().to(self._place)
        hook_every_layer(self._network, check)

    def begin(self) -> None:
        """Start a job: with all threads again."""
        self._pace.reset()

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return logits of ``batch`` (n, channel, k, j, i)."""
        try:
            with torch.inference_mode(), self._pace.measured():
                logits: Tensor = self._network(torch.from_numpy(batch).to(self._place))
        except torch.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise OutOfResources(
                "The graphics card has too little memory for this network.",
                remedy="Close other programs that use it.",
            ) from error
        return np.asarray(logits.float().cpu().numpy(), dtype=np.float32)


def hook_every_layer(network: nn.Module, check: Callable[[], None]) -> None:
    """Call ``check`` before every layer of ``network``."""

    def before(_module: nn.Module, _inputs: object) -> None:
        check()

    for module in network.modules():
        if not any(module.children()):
            module.register_forward_pre_hook(before)


def load_weights(network: nn.Module, weights: bytes) -> None:
    """Put ``weights`` (a safetensors file) into ``network``.

    Raises
    ------
    Damaged
        They are cut short, or do not fit the architecture.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        network.load_state_dict(load(weights), strict=True)
    except (SafetensorError, RuntimeError, KeyError) as error:
        raise Damaged(
            "The weights do not fit the network that its card describes.",
            remedy="Install the network again.",
        ) from error


def saved_weights(network: nn.Module) -> bytes:
    """Return the network's weights as the bytes of a safetensors file."""
    from safetensors.torch import save

    state = {
        name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()
    }
    data: bytes = save(state)
    return data
