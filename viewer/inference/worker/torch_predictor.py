"""The reference engine: torch, on a graphics card if there is one, else on the processor."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from viewer.domain.card import NetworkCard
from viewer.errors import Damaged
from viewer.inference.fitting import tile_that_fits
from viewer.inference.predictor import DeviceLost, NoRoom
from viewer.inference.worker.architectures import built
from viewer.inference.worker.pace import Pace, cpu_text

_PROBE_SIDE = 32  # of the small tile whose memory is measured


class Graphics(Protocol):
    """A graphics card, as far as a predictor must know it."""

    place: torch.device

    def name(self) -> str:
        """Return the card as a person reads it."""
        ...

    def free_bytes(self) -> int:
        """Return how much of its memory nobody uses."""
        ...

    def peak_bytes(self, run: Callable[[], object]) -> int:
        """Return how much more memory ``run`` took at its peak."""
        ...

    def empty(self) -> None:
        """Give back what is kept for the next tile."""
        ...


class Cuda:
    """A CUDA device."""

    def __init__(self, number: int = 0) -> None:
        self.place = torch.device("cuda", number)

    def name(self) -> str:
        """Return the device's name."""
        return str(torch.cuda.get_device_name(self.place))

    def free_bytes(self) -> int:
        """Return what the driver says is free."""
        return int(torch.cuda.mem_get_info(self.place)[0])

    def peak_bytes(self, run: Callable[[], object]) -> int:
        """Return torch's own count at its peak, above what was there before."""
        before = torch.cuda.memory_allocated(self.place)
        torch.cuda.reset_peak_memory_stats(self.place)
        run()
        return int(torch.cuda.max_memory_allocated(self.place)) - int(before)

    def empty(self) -> None:
        """Give torch's reserve back to the driver."""
        torch.cuda.empty_cache()


def device_name() -> str:
    """Return where torch will compute, as a person reads it."""
    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return cpu_text(torch.get_num_threads())


def device() -> torch.device:
    """Return the device to compute on."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class TorchPredictor:
    """A network with its weights, ready to predict.

    ``check`` is called before every layer and may raise: so a cancel reaches inside a tile.

    Parameters
    ----------
    graphics
        The card to compute on; None for the processor.
    precision
        "auto": float32 on the processor, float16 where it suffices (autocast) on a graphics card;
        or "float32", "bfloat16".
    """

    def __init__(
        self,
        card: NetworkCard,
        weights: bytes,
        check: Callable[[], None],
        *,
        graphics: Graphics | None = None,
        precision: str = "auto",
    ) -> None:
        self.name = f"torch {torch.__version__}"
        self._graphics = graphics
        self._place = torch.device("cpu") if graphics is None else graphics.place
        self.precision = precision
        if precision == "auto":
            self.precision = "float32" if graphics is None else "float16 (autocast)"
        self._pace = Pace(torch.set_num_threads)
        network = built(card.architecture, dict(card.options))
        load_weights(network, weights)
        try:
            self.network = network.eval().to(self._place)
        except torch.OutOfMemoryError as error:
            raise NoRoom from error
        hook_every_layer(self.network, check)

    @property
    def device(self) -> str:
        """Where it computes, as a person reads it."""
        return cpu_text(self._pace.n_threads) if self._graphics is None else self._graphics.name()

    def begin(self) -> None:
        """Start a job: with all threads again."""
        self._pace.reset()

    def suited(self, card: NetworkCard) -> NetworkCard:
        """Return ``card`` with the largest tile that the free memory takes, its own at most.

        Raises
        ------
        NoRoom
            Not even the smallest one fits.
        """
        if self._graphics is None or card.reads == "image":
            return card
        sides = tuple(min(_PROBE_SIDE, side) for side in card.tile_kji)
        probe = np.zeros((1, n_channels(self.network), *sides), dtype=np.float32)
        graphics = self._graphics
        per_voxel = graphics.peak_bytes(lambda: self.predict(probe)) / float(np.prod(sides))
        graphics.empty()
        return replace(
            card, tile_kji=tile_that_fits(card.tile_kji, per_voxel, graphics.free_bytes())
        )

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return logits of ``batch`` (n, channel, ...); halves of it where memory is short.

        Raises
        ------
        NoRoom
            Not even one at a time.
        DeviceLost
            The graphics card does not answer any more.
        """
        try:
            return self._logits(batch)
        except torch.OutOfMemoryError as error:
            if self._graphics is not None:
                self._graphics.empty()
            if len(batch) == 1:
                raise NoRoom from error
        except torch.AcceleratorError as error:
            raise DeviceLost from error
        half = len(batch) // 2
        return np.concatenate((self.predict(batch[:half]), self.predict(batch[half:])))

    def _logits(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode(), self._autocast(), self._pace.measured():
            logits: Tensor = self.network(torch.from_numpy(batch).to(self._place))
            return np.asarray(logits.float().cpu().numpy(), dtype=np.float32)

    def _autocast(self) -> AbstractContextManager[object]:
        kind = {"float16 (autocast)": torch.float16, "bfloat16": torch.bfloat16}.get(self.precision)
        if kind is None:
            return nullcontext()
        return torch.autocast(self._place.type, dtype=kind)


def n_channels(network: nn.Module) -> int:
    """Return how many channels the network takes: those of its first convolution."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d):
            return int(module.in_channels)
    return 1


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
