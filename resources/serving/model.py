"""A network on Triton's Python backend: its ONNX file through ONNX Runtime.

Stops inside a tile when its request is cancelled: the backend tells only those who ask.
"""

import os
import threading
from pathlib import Path

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils

_LOOK_EVERY_S = 0.02


class TritonPythonModel:
    """One copy of the network."""

    def initialize(self, args):
        """Load the network that lies beside this file."""
        if int(np.__version__.split(".")[0]) >= 2:
            # With NumPy 2 this backend answers OK, and sends no bytes (seen with Triton 2.51).
            raise pb_utils.TritonModelException("NumPy must be older than 2 in the server")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "0"))
        path = Path(args["model_repository"], args["model_version"], "model.onnx")
        providers = ["CPUExecutionProvider"]
        if args["model_instance_kind"] == "GPU":
            number = int(args["model_instance_device_id"])
            providers.insert(0, ("CUDAExecutionProvider", {"device_id": number}))
        self._session = onnxruntime.InferenceSession(str(path), options, providers=providers)

    def execute(self, requests):
        """Return one answer for each request."""
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        batch = pb_utils.get_input_tensor_by_name(request, "input").as_numpy()
        options, over = onnxruntime.RunOptions(), threading.Event()
        watcher = threading.Thread(target=_watch, args=(request, options, over))
        watcher.start()
        try:
            logits = self._session.run(["output"], {"input": batch}, options)[0]
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors have no other base
            code = pb_utils.TritonError.CANCELLED if options.terminate else None
            text = "cancelled" if options.terminate else type(error).__name__
            failed = pb_utils.TritonError(text, code) if code else pb_utils.TritonError(text)
            return pb_utils.InferenceResponse(error=failed)
        finally:
            over.set()
            watcher.join()
        return pb_utils.InferenceResponse(output_tensors=[pb_utils.Tensor("output", logits)])


def _watch(request, options, over):
    while not over.wait(_LOOK_EVERY_S):
        if request.is_cancelled():
            options.terminate = True
            pb_utils.Logger.log_info("a request was cancelled in the middle of a tile")
            return
