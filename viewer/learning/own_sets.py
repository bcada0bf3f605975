"""Cases of one's own: images with labels, in the layouts in which people keep them.

Read are: a folder as the Medical Segmentation Decathlon has it (``dataset.json`` with "training";
arXiv 2106.05735), one as nnU-Net wants it (``imagesTr/NAME_0000.nii.gz``, ``labelsTr/NAME.nii.gz``),
files side by side (``NAME.nii.gz`` and ``NAME.seg.nii.gz``, ``NAME_seg.nii.gz``, ``NAME.seg.nrrd`` or
``NAME_labels.nii.gz``), and folders of one case each: a DICOM series with its SEG, or such a pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.domain.volume import Picture, Volume
from viewer.errors import Damaged, InputRefused
from viewer.exchange.label_files import read_label_file
from viewer.exchange.seg import read_segmentations
from viewer.inference.foreign_files import inside, read_json
from viewer.inference.handover import Scan
from viewer.inference.many_classes import restored_labels
from viewer.inference.pipeline import shown_to
from viewer.intake.decode import load
from viewer.intake.scan import scan

_LABEL_ENDS = (".seg.nii.gz", "_seg.nii.gz", "_labels.nii.gz", "_label.nii.gz", ".seg.nrrd",
               ".seg.nii", "_seg.nii", "_labels.nii")  # fmt: skip
_IMAGE_ENDS = (".nii.gz", ".nii", ".nrrd", ".mha", ".mhd")
_MOST_CASES = 10_000
_FORMS = (
    "Give a folder with dataset.json (Decathlon, nnU-Net), with pairs NAME.nii.gz and "
    "NAME.seg.nii.gz, or with a folder a case (DICOM and its SEG)."
)


@dataclass(frozen=True)
class CasePlace:
    """Where a case lies: ``image`` a file or folder, ``labels`` a file, or None beside the image."""

    name: str
    image: Path
    labels: Path | None


@dataclass(frozen=True, eq=False)
class OwnCase:
    """A case: the picture, and its classes (k, j, i; 0 = background) on the same grid."""

    name: str
    picture: Volume
    labels: NDArray[np.uint8]


def case_places(data: Path) -> tuple[CasePlace, ...]:
    """Return where the cases below ``data`` lie, by name.

    Raises
    ------
    InputRefused, Damaged
        There is none, or the folder's own list names something outside of it.
    """
    found = _listed(data) or _side_by_side(data) or _a_folder_each(data)
    if not found:
        raise InputRefused("There is no case with labels here.", where=str(data), remedy=_FORMS)
    if len(found) > _MOST_CASES or len({one.name for one in found}) != len(found):
        raise Damaged("There are far too many cases, or one is there twice.", where=str(data))
    return tuple(sorted(found, key=lambda one: one.name))


def _listed(data: Path) -> list[CasePlace]:
    """Return the cases of a data set that has a list, or the two folders of nnU-Net."""
    if not (data / "dataset.json").is_file():
        return []
    entries = read_json(inside(data, "dataset.json")).get("training", [])
    if isinstance(entries, list) and all(isinstance(one, dict) for one in entries) and entries:
        try:
            pairs = [(str(one["image"]), str(one["label"])) for one in entries]
        except KeyError as error:
            raise Damaged("The data set's list lacks an image or its labels.") from error
        return [
            CasePlace(_stem(Path(image)), inside(data, image), inside(data, label))
            for image, label in pairs
        ]
    found = []
    for label in sorted((data / "labelsTr").glob("*")):
        ends = [end for end in _IMAGE_ENDS if label.name.endswith(end)]
        if not ends or label.name.startswith("."):
            continue
        name = label.name.removesuffix(ends[0])
        image = inside(data, "imagesTr", f"{name}_0000{ends[0]}")
        found.append(CasePlace(name, image, inside(data, "labelsTr", label.name)))
    return found


def _side_by_side(folder: Path) -> list[CasePlace]:
    found = []
    for label in sorted(path for path in folder.iterdir() if path.is_file()):
        end = next((end for end in _LABEL_ENDS if label.name.endswith(end)), "")
        if not end:
            continue
        name = label.name.removesuffix(end)
        images = [folder / f"{name}{other}" for other in _IMAGE_ENDS]
        there = [path for path in (*images, folder / name) if path.exists()]
        if there:
            found.append(CasePlace(name, there[0], label))
    return found


def _a_folder_each(data: Path) -> list[CasePlace]:
    found = []
    for folder in sorted(path for path in data.iterdir() if path.is_dir()):
        pairs = _side_by_side(folder)
        if pairs:
            found += [CasePlace(f"{folder.name}/{p.name}", p.image, p.labels) for p in pairs]
        else:
            found.append(CasePlace(folder.name, folder, None))
    return found


def _stem(path: Path) -> str:
    end = next((end for end in _IMAGE_ENDS if path.name.endswith(end)), "")
    return path.name.removesuffix(end)


def read_case(place: CasePlace, card: NetworkCard) -> OwnCase:
    """Return a case with the card's classes: by their names, else by their numbers.

    Raises
    ------
    InputRefused
        Image or labels cannot be read, lie on different grids, or hold no class of the card.
    """
    try:
        picture, beside = _picture(place)
        layers = _layers(place, picture, beside)
    except InputRefused as error:
        raise type(error)(error.what, where=place.name, remedy=error.remedy) from error
    labels = np.zeros(picture.grid.shape_kji, dtype=np.uint8)
    names = {name.casefold(): n for n, name in enumerate(card.classes)}
    for layer in layers:
        for segment in layer.segments:
            number = names.get(segment.name.casefold(), segment.number)
            number = min(number, 1) if card.answers == "mask" else number
            if 0 < number < max(card.n_classes, 2):
                labels[layer.labels == segment.number] = number
    if not labels.any():
        raise InputRefused(
            "The labels hold none of the network's classes.",
            where=place.name,
            remedy=f"Name the segments like the recipe's classes: {', '.join(card.classes)}.",
        )
    return OwnCase(place.name, picture, labels)


def _picture(place: CasePlace) -> tuple[Volume, tuple[Path, ...]]:
    found = scan([place.image])
    volumes = [source for source in found.pictures if source.is_volume]
    if not volumes:
        raise InputRefused("There is no volume here.")
    picture: Picture = load(max(volumes, key=lambda source: source.shape_kji[0]))
    if not isinstance(picture, Volume):
        raise InputRefused("There is no volume here.")
    return picture, tuple(Path(one.path) for one in found.layers if one.kind == "SEG")


def _layers(place: CasePlace, picture: Volume, beside: Sequence[Path]) -> list[Any]:
    if place.labels is not None and place.labels.suffix == ".dcm":
        return list(read_segmentations(place.labels, picture).segmentations)
    if place.labels is not None:
        return list(read_label_file(place.labels, picture).segmentations)
    if not beside:
        raise InputRefused("There is no SEG beside the images.")
    return [one for path in beside for one in read_segmentations(path, picture).segmentations]


def own_sample(case: OwnCase, card: NetworkCard) -> dict[str, NDArray[Any]]:
    """Return what the network is trained on: what the pipeline would show it, and the classes there.

    Raises
    ------
    InputRefused
        The card cannot see such a picture.
    """
    seen, grid = shown_to(Scan.of(case.picture), card)
    labels = restored_labels(case.labels, case.picture.grid, grid, max(card.n_classes, 2))
    return {"seen": np.ascontiguousarray(seen[0]), "labels": labels}


def parts_of(names: Sequence[str], share: float, seed: int) -> tuple[list[str], list[str]]:
    """Return the names to train on and those to validate on, the same each time.

    Raises
    ------
    InputRefused
        There are fewer than two.
    """
    ordered = sorted(names)
    if len(ordered) < 2:
        raise InputRefused("Training needs at least two cases: one of them is kept to validate on.")
    n_kept = min(len(ordered) - 1, max(1, round(share * len(ordered))))
    mixed = list(np.random.default_rng(seed).permutation(len(ordered)))
    kept = {ordered[int(n)] for n in mixed[:n_kept]}
    return [n for n in ordered if n not in kept], [n for n in ordered if n in kept]
