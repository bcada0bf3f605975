"""The choice of where to compute: what it may be, and what it comes down to."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.errors import InputRefused
from viewer.inference import probe
from viewer.inference.backend import Backend, local_engines, token_from
from viewer.inference.fitting import halved, tile_that_fits
from viewer.inference.predictor import NoRoom

_ALL = {"openvino": "1", "onnxruntime": "1", "torch": "1"}
_BOTH = ("safetensors", "onnx")


@pytest.mark.parametrize(
    "where",
    ["", "nonsense", "ftp://a", "grpc://", "http://a:b", "http://a:0", "http://a?x=1", "a:8001"],
)
def test_what_cannot_be_an_address_is_refused(where: str) -> None:
    with pytest.raises(InputRefused, match="cannot be one"):
        Backend(where)


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(InputRefused) as refused:
        Backend("grpc://reader:secret@server:8001")
    assert "secret" not in refused.value.sentence()


def test_a_token_is_in_no_text_about_the_backend() -> None:
    backend = Backend("grpcs://server:8001", token="Bearer xyzzy")  # noqa: S106 - invented
    assert "xyzzy" not in repr(backend) + str(backend) + backend.short
    assert Backend.from_table(backend.to_table()) == backend


@pytest.mark.parametrize("token", ["a\nb", "a\r\nX-Other: 1", "\x00", "schlüssel"])
def test_a_token_that_would_be_more_than_one_header_is_refused(token: str) -> None:
    with pytest.raises(InputRefused):
        Backend("http://server", token=token)


def test_a_token_is_read_from_a_file_of_one_line(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("Bearer abc\n", encoding="ascii")
    assert token_from(path) == "Bearer abc"
    for text in ("", "a\nb", "x" * 20_000):
        path.write_text(text, encoding="ascii")
        with pytest.raises(InputRefused):
            token_from(path)
    with pytest.raises(InputRefused):
        token_from(tmp_path / "none")


def test_unknown_words_are_refused_with_the_known_ones() -> None:
    for words in ({"device": "tpu"}, {"engine": "tensorrt"}, {"precision": "int4"}):
        with pytest.raises(InputRefused, match=f"no {next(iter(words))}") as refused:
            Backend(**words)  # type: ignore[arg-type]
        assert "auto" in refused.value.remedy


@pytest.mark.parametrize(
    ("words", "has_cuda", "expected"),
    [
        ({}, False, ("openvino", "onnxruntime", "torch")),
        ({}, True, ("torch", "openvino", "onnxruntime")),
        ({"device": "cpu"}, True, ("openvino", "onnxruntime", "torch")),
        ({"device": "cuda"}, True, ("torch",)),
        ({"engine": "onnxruntime"}, True, ("onnxruntime",)),
    ],
)
def test_the_fastest_engine_that_is_right_comes_first(
    words: dict[str, str], has_cuda: bool, expected: tuple[str, ...]
) -> None:
    found = local_engines(Backend(**words), _BOTH, _ALL, has_cuda=has_cuda)  # type: ignore[arg-type]
    assert found == expected


def test_an_engine_needs_to_be_there_and_to_have_its_form() -> None:
    assert local_engines(Backend(), ("safetensors",), _ALL, has_cuda=False) == ("torch",)
    assert local_engines(Backend(), _BOTH, {"onnxruntime": "1"}, has_cuda=False) == ("onnxruntime",)
    assert local_engines(Backend(), ("onnx",), {"torch": "1"}, has_cuda=False) == ()


@given(
    st.tuples(*[st.integers(2, 40).map(lambda n: 8 * n)] * 3),
    st.floats(1, 1e4),
    st.integers(10**6, 10**11),
)
def test_a_tile_that_fits_does_fit_and_is_as_large_as_halving_allows(
    tile: tuple[int, int, int], per_voxel: float, free: int
) -> None:
    def takes(sides: tuple[int, int, int]) -> float:
        return sides[0] * sides[1] * sides[2] * per_voxel

    try:
        found = tile_that_fits(tile, per_voxel, free)
    except NoRoom:
        assert takes((16, 16, 16)) > 0.3 * free
        return
    assert takes(found) <= free
    assert all(side % 8 == 0 and side <= most for side, most in zip(found, tile, strict=True))
    if found != tile:
        assert 2.2 * takes(found) * 1.6 > 0.8 * free, "it was halved once too often"


def test_halving_ends() -> None:
    tile = (80, 112, 112)
    for _ in range(9):
        tile = halved(tile)
    assert tile == (16, 16, 16)
    with pytest.raises(NoRoom):
        halved(tile)


def test_a_graphics_card_is_looked_for_without_importing_an_engine() -> None:
    assert isinstance(probe.cuda_devices(), tuple)
    assert set(probe.engines()) <= {"openvino", "onnxruntime", "torch"}
    assert probe.n_cores() >= 1


def test_each_graphics_card_is_named_as_cuda_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(probe, "engines", lambda: {"torch": "2.13.0+cu130"})
    monkeypatch.setattr(probe, "cuda_devices", lambda: ("One", "Other"))
    assert probe.cuda_ids() == ("0", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, 5")
    assert probe.cuda_ids() == ("3", "5")
    monkeypatch.setattr(probe, "engines", lambda: {"torch": "2.13.0+cpu"})
    assert probe.cuda_ids() == ()
