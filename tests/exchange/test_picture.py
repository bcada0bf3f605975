"""PNG pictures are decoded again before they are saved."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from viewer.errors import InputRefused, ViewerError
from viewer.exchange import atomic
from viewer.exchange.picture import write_png


def a_png(channels: int) -> bytes:
    pixels = np.random.default_rng(3).integers(0, 256, (8, 11, channels), dtype=np.uint8)
    ok, data = cv2.imencode(".png", pixels)
    assert ok
    return data.tobytes()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_picture_is_saved_after_two_decoders_agree(channels: int, tmp_path: Path) -> None:
    data = a_png(channels)
    saved = write_png(data, tmp_path / "a.png")
    assert saved.path.read_bytes() == data
    assert saved.checks == ("11 x 8 pixels read back equal by two decoders",)


@pytest.mark.parametrize("data", [b"", b"no picture", a_png(3)[:60]])
def test_bytes_that_are_no_whole_png_are_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="not a PNG"):
        write_png(data, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_a_flipped_bit_on_the_disk_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flips(path: Path, data: bytes) -> None:
        path.write_bytes(data[:50] + bytes([data[50] ^ 4]) + data[51:])

    monkeypatch.setattr(atomic, "_write_bytes", flips)
    with pytest.raises(ViewerError, match="nothing was saved"):
        write_png(a_png(3), tmp_path / "a.png")
    assert not list(tmp_path.iterdir())
