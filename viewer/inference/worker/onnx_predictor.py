"""ONNX Runtime on the processor: where OpenVINO is missing or cannot read a network."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.errors import Damaged
from viewer.inference.onnx_form import refuse_unsafe_onnx
from viewer.inference.worker.orders import Interruptions
from viewer.inference.worker.pace import Pace, cpu_text


class OnnxPredictor:
    """A network from its ONNX form; float32.

    Raises
    ------
    Damaged
        ONNX Runtime cannot read it.
    """

    def __init__(self, onnx: bytes, interruptions: Interruptions) -> None:
        refuse_unsafe_onnx(onnx)
        import onnxruntime

        self.name = f"ONNX Runtime {onnxruntime.__version__}"
        self.precision = "float32"
        self._interruptions = interruptions
        self._onnx = onnx
        self._sessions: dict[int, Any] = {}
        self._pace = Pace(self._use)
        self._session(self._pace.n_threads)

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
        import onnxruntime

        session = self._session(self._pace.n_threads)
        options = onnxruntime.RunOptions()
        entry = session.get_inputs()[0].name

        def stop() -> None:
            options.terminate = True

        with self._interruptions.interrupting(stop), self._pace.measured():
            first = session.run(None, {entry: np.ascontiguousarray(batch)}, options)[0]
        return np.asarray(first, dtype=np.float32)

    def _use(self, n_threads: int) -> None:
        """Take note of a number of threads; the session is made when a tile comes."""

    def _session(self, n_threads: int) -> Any:
        import onnxruntime

        if n_threads not in self._sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = n_threads
            options.log_severity_level = 3
            try:
                self._sessions[n_threads] = onnxruntime.InferenceSession(
                    self._onnx, options, providers=["CPUExecutionProvider"]
                )
            except Exception as error:  # its errors have no common base but this
                raise Damaged(
                    "ONNX Runtime cannot read the network's ONNX file.",
                    remedy="Install the network again.",
                ) from error
        return self._sessions[n_threads]
