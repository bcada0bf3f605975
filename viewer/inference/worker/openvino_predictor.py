"""OpenVINO on the processor: the fastest engine here that computes in 32-bit floats."""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.errors import Damaged
from viewer.inference.onnx_form import refuse_unsafe_onnx
from viewer.inference.worker.orders import Interruptions
from viewer.inference.worker.pace import Pace, cpu_text

_HINT = {"float32": "f32", "bfloat16": "bf16"}


def quiet_openvino() -> Any:
    """Return the module ``openvino``, imported so that it can tell nobody that it was.

    Its package for usage figures is an optional part, which it looks for when it is imported:
    a None in its place makes that import fail, and OpenVINO goes on with its own empty stub.
    """
    if "openvino" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino

    return openvino


class OpenVinoPredictor:
    """A network from its ONNX form, compiled once for all sizes of tile.

    Parameters
    ----------
    onnx
        The bytes of the model.
    precision
        "float32" or "bfloat16"; OpenVINO's own default is bfloat16 where the processor has it.

    Raises
    ------
    Damaged
        OpenVINO cannot read it.
    """

    def __init__(self, onnx: bytes, interruptions: Interruptions, precision: str) -> None:
        refuse_unsafe_onnx(onnx)
        openvino = quiet_openvino()
        self.name = f"OpenVINO {openvino.__version__.split('-')[0]}"
        self.precision = precision
        self._interruptions = interruptions
        self._core = openvino.Core()
        self._requests: dict[int, Any] = {}
        try:
            self._model = self._core.read_model(onnx)
        except RuntimeError as error:
            raise Damaged(
                "OpenVINO cannot read the network's ONNX file.",
                remedy="Install the network again.",
            ) from error
        self._pace = Pace(self._use)
        self._compiled(self._pace.n_threads)

    @property
    def device(self) -> str:
        """Where it computes, with how many threads."""
        return cpu_text(self._pace.n_threads)

    def begin(self) -> None:
        """Start a job: with all threads again."""
        self._pace.reset()

    def suited(self, card: NetworkCard) -> NetworkCard:
        """Return the very card: memory is the system's."""
        return card

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return logits of ``batch`` (n, channel, ...)."""
        request = self._compiled(self._pace.n_threads)
        with self._interruptions.interrupting(request.cancel), self._pace.measured():
            request.start_async([np.ascontiguousarray(batch)])
            try:
                self._interruptions.check()  # a cancel before the start found nothing to stop
            except BaseException:
                request.cancel()
                request.wait()
                raise
            request.wait()
            return np.array(request.get_output_tensor(0).data, dtype=np.float32)

    def _use(self, n_threads: int) -> None:
        """Take note of a number of threads; compiled when a tile comes."""

    def _compiled(self, n_threads: int) -> Any:
        if n_threads not in self._requests:
            wanted = {
                "INFERENCE_PRECISION_HINT": _HINT[self.precision],
                "INFERENCE_NUM_THREADS": n_threads,
                "PERFORMANCE_HINT": "LATENCY",
            }
            try:
                compiled = self._core.compile_model(self._model, "CPU", wanted)
            except RuntimeError as error:
                raise Damaged("OpenVINO cannot compile the network's ONNX file.") from error
            given = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
            self.precision = {"f32": "float32", "bf16": "bfloat16"}.get(given, given)
            self._requests[n_threads] = compiled.create_infer_request()
        return self._requests[n_threads]
