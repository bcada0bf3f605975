"""The truth beside a study: what is written is what is read, and damage is told."""

import gzip
import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from viewer.errors import Damaged
from viewer.phantom.chest import PhantomStudy
from viewer.phantom.truth import JSON_NAME, NIFTI_NAME, read_truth, write_truth


@pytest.fixture
def folder(oblique: PhantomStudy, tmp_path: Path) -> Path:
    write_truth(oblique, tmp_path)
    return tmp_path


def test_the_truth_comes_back_as_it_was(folder: Path, oblique: PhantomStudy) -> None:
    found = read_truth(folder)
    assert found.seed == oblique.seed
    assert found.grid == oblique.grid
    assert np.array_equal(found.labels, oblique.labels)
    assert found.lesions == oblique.lesions
    assert found.labels.dtype == np.uint8


def test_the_affine_of_the_labels_is_ras(folder: Path, oblique: PhantomStudy) -> None:
    nibabel: Any = import_module("nibabel")
    image = nibabel.load(folder / NIFTI_NAME)
    for index_ijk in ((0, 0, 0), (63, 0, 0), (0, 63, 0), (10, 20, 30)):
        x, y, z = oblique.grid.world(index_ijk)
        ras = image.affine @ (*index_ijk, 1)
        assert np.allclose(ras[:3], (-x, -y, z), atol=1e-3)
    for lesion in oblique.lesions:
        x, y, z = lesion.centre_lps_mm
        i, j, k = np.rint(np.linalg.inv(image.affine) @ (-x, -y, z, 1))[:3].astype(int)
        assert np.asarray(image.dataobj)[i, j, k] == lesion.number


def test_the_document_says_that_it_was_generated(folder: Path) -> None:
    document = json.loads((folder / JSON_NAME).read_text(encoding="utf-8"))
    assert document["generated"] == "no patient"
    assert document["version"] == 1


def edited(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / JSON_NAME
        document = json.loads(path.read_text(encoding="utf-8"))
        change(document)
        path.write_text(json.dumps(document), encoding="utf-8")

    return damage


def with_lesion(**change: object) -> Callable[[Path], None]:
    return edited(lambda document: document["lesions"][0].update(change))


def cut_labels(folder: Path) -> None:
    path = folder / NIFTI_NAME
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped_bits(folder: Path) -> None:
    path = folder / NIFTI_NAME
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "no document": lambda folder: (folder / JSON_NAME).unlink(),
    "no labels": lambda folder: (folder / NIFTI_NAME).unlink(),
    "no JSON": lambda folder: (folder / JSON_NAME).write_text("{"),
    "not UTF-8": lambda folder: (folder / JSON_NAME).write_bytes(b"\xff\xfe{}"),
    "a list": lambda folder: (folder / JSON_NAME).write_text("[]"),
    "no seed": edited(lambda document: document.pop("seed")),
    "a word as seed": edited(lambda document: document.update(seed="one")),
    "no grid": edited(lambda document: document.update(ijk_to_lps=np.zeros((4, 4)).tolist())),
    "another grid": edited(lambda document: document.update(ijk_to_lps=np.eye(4).tolist())),
    "another shape": edited(lambda document: document.update(shape_kji=[2, 3, 4])),
    "a missing lesion": edited(lambda document: document.update(lesions=[])),
    "a strange lesion": edited(lambda document: document.update(lesions=[{"number": 1}])),
    "a lesion without number": with_lesion(number=300),
    "a lesion of no kind": with_lesion(kind="round"),
    "a lesion somewhere": with_lesion(centre_lps_mm=[1, 2]),
    "a lesion of another volume": with_lesion(volume_mm3=1.0),
    "a volume that is none": with_lesion(volume_mm3="big"),
    "lesions that are none": edited(lambda document: document.update(lesions=7)),
    "labels cut short": cut_labels,
    "labels with flipped bits": flipped_bits,
    "labels that are no NIfTI": lambda folder: (folder / NIFTI_NAME).write_bytes(b"no"),
    "labels without header": lambda folder: (folder / NIFTI_NAME).write_bytes(
        gzip.compress(bytes(400))
    ),
    "empty labels": lambda folder: (folder / NIFTI_NAME).write_bytes(b""),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_truth_is_told_as_damaged(damage: Callable[[Path], object], folder: Path) -> None:
    damage(folder)
    with pytest.raises(Damaged) as told:
        read_truth(folder)
    assert told.value.where == str(folder)
    assert told.value.remedy
