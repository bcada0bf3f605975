"""Model repositories for servers: read back with Triton's own schema."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2  # noqa: TID253 - the schema, as an oracle

from viewer.errors import Conflict, Damaged, InputRefused
from viewer.inference.cards import ONNX, Installed, load_cards
from viewer.inference.onnx_form import ends_of_onnx
from viewer.inference.serving import Serving, configuration, write_repository
from viewer.resources import resource_root

_SHIPPED = load_cards(resource_root() / "networks")
_WITH_ONNX = sorted(key for key, (card, _) in _SHIPPED.items() if card.onnx_sha256)


def _lesions() -> Installed:
    return _SHIPPED["lesions"]


def test_each_shipped_network_has_both_forms() -> None:
    """``negatoscope networks onnx KEY`` makes the second one, and compares it with the first."""
    assert sorted(_SHIPPED) == _WITH_ONNX


@pytest.mark.parametrize("key", _WITH_ONNX)
def test_the_configuration_is_one_by_tritons_own_schema(key: str) -> None:
    card, folder = _SHIPPED[key]
    onnx = (folder / ONNX).read_bytes()
    text = configuration(card, onnx, Serving("onnxruntime", gpus=(0, 1), count=2))
    found = text_format.Parse(text, model_config_pb2.ModelConfig())
    assert (found.name, found.backend, found.max_batch_size) == (key, "onnxruntime", 8)
    assert found.parameters["sha256"].string_value == card.weights_sha256
    group = found.instance_group[0]
    assert (group.count, list(group.gpus)) == (2, [0, 1])
    assert group.kind == model_config_pb2.ModelInstanceGroup.KIND_GPU
    entry, exit_ = ends_of_onnx(onnx)
    assert list(found.input[0].dims) == list(entry[1:])
    assert list(found.output[0].dims) == list(exit_[1:])
    warm = found.model_warmup[0].inputs["input"]
    assert all(n > 0 for n in warm.dims)
    assert all(a in (-1, b) for a, b in zip(entry[1:], warm.dims, strict=True))


@pytest.mark.parametrize("key", _WITH_ONNX)
def test_the_ends_of_a_file_are_those_that_onnxruntime_sees(key: str) -> None:
    import onnxruntime

    onnx = (_SHIPPED[key][1] / ONNX).read_bytes()
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    for found, ends in zip(
        ends_of_onnx(onnx), (session.get_inputs(), session.get_outputs()), strict=True
    ):
        assert found == tuple(n if isinstance(n, int) else -1 for n in ends[0].shape)


def test_what_a_repository_holds_is_what_the_card_names(tmp_path: Path) -> None:
    card, _ = _lesions()
    (folder,) = write_repository([_lesions()], tmp_path / "models", Serving("python"))
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert names == ["1/model.onnx", "1/model.py", "config.pbtxt"]
    digest = hashlib.sha256((folder / "1" / ONNX).read_bytes()).hexdigest()
    assert digest == card.onnx_sha256
    compile((folder / "1" / "model.py").read_text(encoding="utf-8"), "model.py", "exec")


def test_nothing_is_replaced_without_being_asked(tmp_path: Path) -> None:
    write_repository([_lesions()], tmp_path, Serving("python"))
    with pytest.raises(Conflict, match="has lesions already"):
        write_repository([_lesions()], tmp_path, Serving())
    write_repository([_lesions()], tmp_path, Serving(), force=True)
    assert not (tmp_path / "lesions" / "1" / "model.py").exists()


def test_a_network_without_onnx_or_with_another_file_is_refused(tmp_path: Path) -> None:
    card, folder = _lesions()
    with pytest.raises(InputRefused, match="has no ONNX form"):
        write_repository([(replace(card, onnx_sha256=""), folder)], tmp_path, Serving())
    with pytest.raises(Damaged, match="not those its card names"):
        write_repository([(replace(card, onnx_sha256="0" * 64), folder)], tmp_path, Serving())
    for key in ("../outside", "a/b", "", ".hidden"):
        with pytest.raises(InputRefused, match="no name for a folder"):
            write_repository([(replace(card, key=key), folder)], tmp_path, Serving())
    assert not list(tmp_path.iterdir())


def test_a_name_cannot_leave_its_place_in_the_configuration() -> None:
    card, folder = _lesions()
    forged = replace(card, version='1"\nmax_batch_size: 99\nname: "')
    text = configuration(forged, (folder / ONNX).read_bytes(), Serving())
    found = text_format.Parse(text, model_config_pb2.ModelConfig())
    assert found.max_batch_size == 8
    assert found.parameters["version"].string_value == forged.version


@pytest.mark.parametrize("data", [b"", b"\x3a\x00", b"\x3a\x02\x5a\x00"])
def test_a_file_without_ends_is_refused(data: bytes) -> None:
    with pytest.raises(Damaged):
        ends_of_onnx(data)


def test_copies_and_cards_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputRefused):
        Serving("tensorflow")
    with pytest.raises(InputRefused):
        Serving(count=0)
    with pytest.raises(InputRefused):
        Serving(gpus=(-1,))
