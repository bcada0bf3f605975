"""``negatoscope classify`` and ``networks``: documents, inputs of every kind, refusals."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from viewer.__main__ import main
from viewer.command_line.classify import images_of
from viewer.errors import ViewerError

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed"
)
KEY = "chest_pneumonia"


def films(n: int, side: int = 28) -> np.ndarray:
    """Return films as a child might draw them: a dark chest with two darker lungs."""
    y, x = np.mgrid[:side, :side] / side
    lungs = np.exp(-(((np.abs(x - 0.5) - 0.2) / 0.1) ** 2) - ((y - 0.45) / 0.25) ** 2)
    film = 150 - 90 * lungs - 40 * (y < 0.1)
    steps = np.arange(n)[:, None, None] * 3
    return np.asarray(np.clip(film[None] + steps, 0, 255), dtype=np.uint8)


def answered(words: list[str], capsys: pytest.CaptureFixture[str], code: int = 0) -> Any:
    assert main([*words, "--json"]) == code
    return json.loads(capsys.readouterr().out)


@needs_torch
def test_pictures_in_one_file_are_scored_in_their_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import cv2

    np.savez(tmp_path / "films.npz", images=films(3))
    cv2.imwrite(str(tmp_path / "film.png"), films(1, 84)[0])
    document = answered(
        ["classify", str(tmp_path / "films.npz"), str(tmp_path / "film.png"), "--network", KEY],
        capsys,
    )
    results = document["results"]
    assert [one["input"] for one in results] == [
        "films.npz[0]",
        "films.npz[1]",
        "films.npz[2]",
        "film.png",
    ]
    for one in results:
        assert [c["name"] for c in one["classes"]] == ["normal", "pneumonia"]
        assert sum(c["probability"] for c in one["classes"]) == pytest.approx(1, abs=1e-5)
        assert all(c["interval"][0] <= c["probability"] <= c["interval"][1] for c in one["classes"])
    # Brightness of the whole film is taken out, so these are the same film to the network.
    first, second = (one["classes"][1]["probability"] for one in results[:2])
    assert first == pytest.approx(second, abs=1e-3)
    assert any("84 x 84" in text for text in results[3]["warnings"])
    assert document["disclaimer"]


def test_pictures_come_from_every_kind_of_file(tmp_path: Path, study: Path) -> None:
    import cv2
    import nibabel

    film = films(1, 40)[0]
    for name in ("film.png", "film.jpg"):
        cv2.imwrite(str(tmp_path / name), film)
    make: Any = nibabel.Nifti1Image
    nibabel.save(make(film.T[..., None].astype(np.int16), np.eye(4)), tmp_path / "film.nii.gz")
    np.savez_compressed(tmp_path / "films.npz", images=film[None])
    greys = {
        path.name: next(iter(images_of(path))).grey
        for path in (tmp_path / n for n in ("film.png", "film.jpg", "films.npz"))
    }
    assert np.allclose(greys["film.png"], film / 255, atol=1e-6)
    assert np.abs(greys["film.jpg"] - film / 255).mean() < 0.02
    assert np.array_equal(greys["films.npz"], greys["film.png"])
    (image,) = images_of(tmp_path / "film.nii.gz")
    assert np.corrcoef(image.grey.ravel(), film.ravel())[0, 1] > 0.99
    dicom = next(iter(images_of(study)))
    assert dicom.modality == "CT"
    assert 0 <= dicom.grey.min() < dicom.grey.max() <= 1


def test_another_modality_is_refused(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = answered(["classify", str(study), "--network", KEY], capsys, 3)
    assert "CT" in document["error"]


@pytest.mark.parametrize(
    "arrays",
    [
        {"images": np.zeros((2, 28, 28, 3), dtype=np.uint8)},
        {"images": np.zeros((28, 28), dtype=np.uint8)},
        {"images": np.full((1, 28, 28), np.nan)},
        {"images": np.zeros((0, 28, 28))},
        {"images": np.zeros((1, 3, 3))},
        {"images": np.array([{}], dtype=object)},
        {"images": np.full((1, 28, 28), "x")},
        {"pictures": np.zeros((1, 28, 28))},
    ],
)
def test_what_is_no_pictures_is_refused(
    arrays: dict[str, np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]
    document = answered(["classify", str(path), "--network", KEY], capsys, 3)
    assert document["error"].startswith(str(path)) or "bad.npz" in document["error"]


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"text", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_archive_is_refused(
    data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.npz"
    path.write_bytes(data)
    assert "bad.npz" in answered(["classify", str(path), "--network", KEY], capsys, 3)["error"]


def test_an_archive_that_promises_too_much_is_refused_before_it_is_read(tmp_path: Path) -> None:
    import zipfile

    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (99999, 9999, 9999), }\n"
    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
    with zipfile.ZipFile(tmp_path / "huge.npz", "w") as archive:
        archive.writestr("images.npy", data)
    with pytest.raises(ViewerError, match="too many"):
        list(images_of(tmp_path / "huge.npz"))


def test_one_picture_that_is_far_too_large_is_refused_by_its_header(tmp_path: Path) -> None:
    import zipfile

    header = "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 30000, 30000), }\n"
    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
    with zipfile.ZipFile(tmp_path / "large.npz", "w") as archive:
        archive.writestr("images.npy", data)
    with pytest.raises(ViewerError, match="too large"):
        list(images_of(tmp_path / "large.npz"))


def test_a_bomb_is_refused_before_it_unpacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from viewer.intake import image_arrays

    monkeypatch.setattr(image_arrays, "_LARGE_BYTES", 1 << 20)
    np.savez_compressed(tmp_path / "bomb.npz", images=np.zeros((40, 256, 256), dtype=np.uint8))
    with pytest.raises(ViewerError, match="far more"):
        list(images_of(tmp_path / "bomb.npz"))


@pytest.mark.parametrize("header", ["not a dict", "{'descr': '<f8'}", "{'shape': 3, 'descr': 1}"])
def test_a_nonsense_header_is_refused(header: str, tmp_path: Path) -> None:
    import zipfile

    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
    with zipfile.ZipFile(tmp_path / "odd.npz", "w") as archive:
        archive.writestr("images.npy", data)
    with pytest.raises(ViewerError):
        list(images_of(tmp_path / "odd.npz"))


def test_colour_is_refused_by_a_grey_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import cv2

    colour = np.zeros((40, 40, 3), dtype=np.uint8)
    colour[..., 2] = 200
    cv2.imwrite(str(tmp_path / "red.png"), colour)
    words = ["classify", str(tmp_path / "red.png"), "--network", KEY]
    assert "colour" in answered(words, capsys, 3)["error"]


def test_networks_that_do_not_classify_images_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "films.npz", images=films(1))
    for key in ("lesions", "nothing", "lesion_shape"):
        words = ["classify", str(tmp_path / "films.npz"), "--network", key]
        assert KEY in answered(words, capsys, 3)["error"]


def test_the_list_of_networks_names_what_a_reader_must_know(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = {one["key"]: one for one in answered(["networks"], capsys)}
    assert {"lesions", "chest_pneumonia", "breast_ultrasound", "retina_vessels"} <= set(found)
    for key in ("chest_pneumonia", "breast_ultrasound", "retina_vessels"):
        card = found[key]
        for entry in ("title", "trained_on", "data_licence", "intended_use", "unintended_use"):
            assert card[entry], (key, entry)
        assert card["failure_cases"]
        assert card["modalities"]
        assert all(f["n_cases"] and len(f["interval_95"]) == 2 for f in card["figures"])
    assert found["chest_pneumonia"]["kind"] == "classification of an image"
    assert found["retina_vessels"]["kind"] == "segmentation of an image"
    assert found["lesions"]["kind"] == "segmentation of a volume"
    assert main(["networks"]) == 0
    assert "retina_vessels" in capsys.readouterr().out
