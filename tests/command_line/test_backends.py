"""The verbs about where networks run."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.inference.fake_servers import Behaviour, Refusal, grpc_server
from viewer.command_line.parser import parse
from viewer.command_line.verb import OK, REFUSED
from viewer.inference.cards import load_cards


def _run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    from viewer.command_line.parser import run_guarded
    from viewer.command_line.verbs import verb

    chosen = parse([*words, "--json"])
    run = verb(chosen.verb).run
    assert run is not None
    code = run_guarded(chosen, run)
    return code, json.loads(capsys.readouterr().out)


def test_backends_says_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = _run(capsys, "backends")
    assert code == OK
    assert {row["engine"] for row in found["engines"]} == {"openvino", "onnxruntime", "torch"}
    for row in (*found["engines"], *found["protocols"], found["cuda"]):
        assert row["there"] or (row["missing"] and row["get"])
    assert found["servers"] == []


def test_a_server_is_asked_kept_and_forgotten(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("Bearer t", encoding="ascii")
    with grpc_server(Behaviour(name="triton")) as address:
        where = f"grpc://{address}"
        words = ("backends", "--backend", where)
        code, found = _run(capsys, *words, "--keep", "--token-file", str(token))
    assert code == OK
    assert found["server"]["name"] == "triton"
    assert set(found["server"]["networks"]) == set(load_cards())
    assert found["servers"] == [where]
    code, found = _run(capsys, *words)
    assert (code, found["error"].count("does not answer")) == (REFUSED, 1)
    assert _run(capsys, *words, "--forget")[1]["servers"] == []


def test_a_server_that_refuses_is_an_input_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from viewer.phantom.demo import make_phantom_folder

    folder = make_phantom_folder(tmp_path / "study", seed=1, shape_kji=(24, 32, 32), force=False)

    def infer(_batch: Any) -> Any:
        import grpc

        raise Refusal(grpc.StatusCode.UNAVAILABLE, "This protocol is restricted")

    with grpc_server(Behaviour(infer=infer)) as address:
        words = ["segment", str(folder), "--network", "lesions", "--out", str(tmp_path / "out")]
        code, found = _run(capsys, *words, "--backend", f"grpc://{address}")
    assert code == REFUSED
    assert "asks for a token" in found["error"]
    assert not (tmp_path / "out").exists()


def test_a_mask_comes_from_the_server_that_was_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from viewer.phantom.demo import make_phantom_folder

    folder = make_phantom_folder(tmp_path / "study", seed=1, shape_kji=(24, 32, 32), force=False)
    behaviour = Behaviour(
        infer=lambda batch: np.full_like(batch, -5.0) if batch.shape[2] > 1 else batch
    )
    with grpc_server(behaviour) as address:
        words = ["segment", str(folder), "--network", "lesions", "--out", str(tmp_path / "out")]
        code, found = _run(capsys, *words, "--backend", f"grpc://{address}")
    assert code == OK
    assert behaviour.n_tiles
    assert found["network"]["device"] == f"grpc://{address}"
    assert found["lesions"] == []


def test_networks_are_exported_for_a_server(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ("networks", "export", "--for", "triton", "--out", str(tmp_path / "models"))
    code, found = _run(capsys, *words)
    assert code == OK
    assert set(found["networks"]) | set(found["left_out"]) == set(load_cards())
    assert (tmp_path / "models" / "lesions" / "config.pbtxt").exists()
    assert _run(capsys, *words)[0] == REFUSED
    assert _run(capsys, *words, "nothing_like_it", "--force")[0] == REFUSED
    assert _run(capsys, *words, "lesions", "--force")[1]["networks"] == ["lesions"]


@pytest.mark.parametrize(
    "words",
    [
        ("--backend", "nonsense"),
        ("--backend", "grpc://a", "--token-file", "/nonexistent"),
        ("--backend", "grpc://a", "--timeout", "0"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert _run(capsys, "backends", *words)[0] == REFUSED
