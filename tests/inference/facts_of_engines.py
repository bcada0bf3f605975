"""Run in a process of its own, since it imports engines; prints facts as JSON."""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

os.environ["OMP_NUM_THREADS"] = "2"

import numpy as np

from viewer.errors import ViewerError
from viewer.inference.backend import Backend
from viewer.inference.cards import load_cards, verified_forms
from viewer.inference.predictor import Engine
from viewer.inference.worker.engines import engine_for
from viewer.inference.worker.forms import compared_forms
from viewer.inference.worker.onnx_predictor import OnnxPredictor
from viewer.inference.worker.openvino_predictor import OpenVinoPredictor, quiet_openvino
from viewer.inference.worker.orders import Stopped

CARD, _FOLDER = load_cards()["lesions"]
FORMS = verified_forms(_FOLDER, CARD)


class Never:
    """A job that nobody cancels."""

    def check(self) -> None:
        """Do nothing."""

    @contextmanager
    def interrupting(self, stop: Callable[[], object]) -> Iterator[None]:
        """Never call ``stop``."""
        del stop
        yield


class Soon:
    """A job that is cancelled when the engine has been at its tile for a moment."""

    def __init__(self) -> None:
        self.raised = ""

    def check(self) -> None:
        """Let it start."""

    @contextmanager
    def interrupting(self, stop: Callable[[], object]) -> Iterator[None]:
        """Call ``stop`` from another thread, once, and keep what the engine says to it."""
        if self.raised:
            yield
            return
        timer = threading.Timer(0.05, stop)
        timer.start()
        try:
            yield
        except Exception as error:
            self.raised = type(error).__name__
            raise Stopped from error
        finally:
            timer.cancel()


def _telemetry() -> dict[str, object]:
    quiet_openvino()
    loaded = [name for name in sys.modules if name.startswith("openvino_telemetry")]
    from openvino.tools.ovc import telemetry_utils

    return {
        "loaded": loaded,
        "is_off": sys.modules[loaded[0]] is None,
        "by": telemetry_utils.tm.__name__,
    }


def _answers() -> dict[str, object]:
    batch = np.random.default_rng(1).random((1, 1, 32, 40, 48), dtype=np.float32)
    found: dict[str, object] = {}
    reference = engine_for(CARD, FORMS, Backend(engine="torch"), Never())[0].predict(batch)
    for name in ("openvino", "onnxruntime", "torch"):
        engine, notes = engine_for(CARD, FORMS, Backend(engine=name), Never())
        engine.begin()
        answer = engine.predict(batch)
        other = engine.predict(np.zeros((2, 1, 16, 24, 8), dtype=np.float32))
        found[name] = {
            "title": engine.name,
            "precision": engine.precision,
            "device": engine.device,
            "notes": list(notes),
            "max_abs": float(np.abs(answer - reference).max()),
            "changed": float(((answer > 0) != (reference > 0)).mean()),
            "other_shape": list(other.shape),
        }
    return found


def _bfloat16() -> dict[str, object]:
    can = quiet_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    asked = OpenVinoPredictor(FORMS["onnx"], Never(), "bfloat16").precision
    return {"processor_has_it": "BF16" in can, "precision": asked}


def _shipped() -> dict[str, object]:
    """Return, for each shipped network, how far its ONNX form is from its weights in torch."""
    found: dict[str, object] = {}
    for key, (card, folder) in load_cards().items():
        forms = verified_forms(folder, card)
        if "onnx" in forms:
            found[key] = compared_forms(card, forms["safetensors"], forms["onnx"], Never())[1]
    return found


def _cancelled() -> dict[str, object]:
    batch = np.random.default_rng(1).random((1, 1, 128, 128, 128), dtype=np.float32)
    found: dict[str, object] = {}
    makers: dict[str, Callable[[Soon], Engine]] = {
        "openvino": lambda job: OpenVinoPredictor(FORMS["onnx"], job, "float32"),
        "onnxruntime": lambda job: OnnxPredictor(FORMS["onnx"], job),
    }
    for name, make in makers.items():
        job = Soon()
        engine = make(job)
        try:
            engine.predict(batch)
            found[name] = "went on to the end"
        except Stopped:
            again = engine.predict(batch[..., :16, :16, :16])
            found[name] = {"raised": job.raised, "next": list(again.shape)}
    return found


def _refusals() -> dict[str, str]:
    found = {}
    for name, backend, forms in (
        ("cuda", Backend(device="cuda"), FORMS),
        ("no form", Backend(engine="openvino"), {"safetensors": FORMS["safetensors"]}),
        ("broken", Backend(engine="openvino"), {"onnx": FORMS["onnx"][:-2000]}),
        ("broken too", Backend(engine="onnxruntime"), {"onnx": FORMS["onnx"][:-2000]}),
    ):
        try:
            engine_for(CARD, forms, backend, Never())
            found[name] = ""
        except ViewerError as error:
            found[name] = f"{type(error).__name__}: {error.sentence()}"
    return found


def _next_one() -> dict[str, object]:
    forms = {**FORMS, "onnx": _other_graph()}
    engine, notes = engine_for(CARD, forms, Backend(), Never())
    return {"title": engine.name, "notes": list(notes)}


def _other_graph() -> bytes:
    """Return a sound protobuf with a graph that no engine knows how to compute."""
    node = b"\x0a\x01x\x12\x01y\x22\x07Unknown"
    graph = b"\x0a" + bytes([len(node)]) + node
    return b"\x08\x08\x3a" + bytes([len(graph)]) + graph


def main() -> None:
    """Print all facts."""
    facts = {
        "telemetry": _telemetry(),
        "answers": _answers(),
        "shipped": _shipped(),
        "bfloat16": _bfloat16(),
        "cancelled": _cancelled(),
        "refusals": _refusals(),
        "next": _next_one(),
    }
    sys.stdout.write(json.dumps(facts))


if __name__ == "__main__":
    main()
