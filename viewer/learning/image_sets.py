"""Labelled pictures for training: arrays in an .npz, or pictures and masks as PNG files."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.errors import Damaged, InputRefused
from viewer.inference.image_input import field_of, fundus_channels, prepared
from viewer.learning.image_groups import near_duplicates, without_straddlers

_MOST_BYTES = 1 << 31


@dataclass(frozen=True, eq=False)
class ClassSet:
    """One part of a set of labelled grey pictures.

    ``greys`` (n, rows, columns) are 0..1 as they came, ``pictures`` (n, 1, rows, columns) as the
    network takes them, ``targets`` (n,) numbers of classes, ``groups`` (n,) numbers that
    near-duplicates share, ``notes`` what was left out and why.
    """

    greys: NDArray[np.float32]
    pictures: NDArray[np.float32]
    targets: NDArray[np.int64]
    groups: NDArray[np.int64]
    notes: tuple[str, ...] = ()

    def chosen(self, which: NDArray[np.bool_], note: str) -> "ClassSet":
        """Return the pictures of ``which`` (n,), with ``note`` if that leaves any out."""
        if which.all():
            return self
        return ClassSet(
            self.greys[which],
            self.pictures[which],
            self.targets[which],
            self.groups[which],
            (*self.notes, f"{int(np.count_nonzero(~which))} {note}"),
        )


@dataclass(frozen=True, eq=False)
class MaskSet:
    """One part of a set of colour pictures with masks.

    ``colours`` (n, rows, columns, 3) are bytes, ``pictures`` (n, channels, rows, columns) as the
    network takes them, ``targets`` the masks, ``fields`` where a mask counts, both (n, rows,
    columns).
    """

    colours: NDArray[np.uint8]
    pictures: NDArray[np.float32]
    targets: NDArray[np.bool_]
    fields: NDArray[np.bool_]
    notes: tuple[str, ...] = ()


def read_classes(path: Path, card: NetworkCard, *, is_grouped: bool) -> tuple[ClassSet, ClassSet]:
    """Return the training and the validation part of an .npz of grey pictures with labels.

    It holds ``train_images``, ``train_labels``, ``val_images`` and ``val_labels`` (bytes; pictures
    (n, rows, columns)). With ``is_grouped``, pictures to train on are left out where a near-duplicate
    is kept for validation, or where near-duplicates contradict each other's label.

    Raises
    ------
    InputRefused, Damaged
        The file is not there, or not of this form.
    """
    parts = [_part(path, prefix) for prefix in ("train", "val")]
    for greys, labels in parts:
        if len(greys) != len(labels) or not len(greys) or int(labels.max()) >= len(card.classes):
            raise Damaged("Pictures and labels do not fit each other.", where=str(path))
    n_train = len(parts[0][0])
    if is_grouped:
        groups = near_duplicates(np.concatenate([greys for greys, _ in parts]))
    else:
        groups = np.arange(n_train + len(parts[1][0]))
    train, validation = (
        ClassSet(greys, prepared(greys, card), labels, own)
        for (greys, labels), own in zip(parts, np.split(groups, [n_train]), strict=True)
    )
    return (_apart(train, validation) if is_grouped else train), validation


def _apart(train: ClassSet, validation: ClassSet) -> ClassSet:
    """Return what may be trained on when ``validation`` is to be unseen and labels are to agree."""
    groups = np.concatenate((train.groups, validation.groups))
    labels = np.concatenate((train.targets, validation.targets))
    is_training = np.arange(len(groups)) < len(train.targets)
    agreeing = np.array([len(set(labels[groups == g].tolist())) == 1 for g in train.groups])
    usable = without_straddlers(groups, is_training)[is_training] & agreeing
    return train.chosen(
        usable,
        "pictures were not trained on: near-duplicates of validation pictures, or of pictures with"
        " another label.",
    )


def _part(path: Path, prefix: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    arrays = read_arrays(path, (f"{prefix}_images", f"{prefix}_labels"))
    greys, labels = arrays
    if greys.ndim != 3 or greys.dtype != np.uint8 or labels.dtype.kind not in "ui":
        raise Damaged("The pictures are not bytes (n, rows, columns).", where=str(path))
    return greys.astype(np.float32) / np.float32(255), labels.ravel().astype(np.int64)


def read_arrays(path: Path, names: tuple[str, ...]) -> list[NDArray[Any]]:
    """Return arrays of an .npz by name, never objects; their size is looked at first.

    Raises
    ------
    InputRefused, Damaged
        The file is not there, is no .npz, lacks a name, or holds too much.
    """
    import zipfile

    if not path.is_file():
        raise InputRefused("There is no such file.", where=str(path), remedy="Check --data.")
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
        if any(sizes.get(f"{name}.npy", 0) > _MOST_BYTES for name in names):
            raise InputRefused("The file holds more than fits into memory.", where=str(path))
        with np.load(path, allow_pickle=False) as held:
            missing = [name for name in names if name not in held]
            if missing:
                raise InputRefused(f"The file holds no array {missing[0]}.", where=str(path))
            return [np.asarray(held[name]) for name in names]
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, KeyError) as error:
        raise Damaged("The file is no sound .npz of numbers.", where=str(path)) from error


def read_masks(folder: Path, part: str, name: str) -> MaskSet:
    """Return fundus pictures with their vessels: PNG files NN_image, NN_vessels and NN_field.

    Which belong to ``part`` ("train", "validation") is said by ``splits.json`` beside ``folder``,
    under ``name``.

    Raises
    ------
    InputRefused, Damaged
        A file is not there or does not fit the others.
    """
    colours, pictures, masks, fields = [], [], [], []
    for number in _split(folder.parent / "splits.json", name, part):
        stored = read_png(folder / f"{number}_image.png", "RGB")
        colour = stored.astype(np.float32) / np.float32(255)
        mask = read_png(folder / f"{number}_vessels.png", "L") > 0
        field = read_png(folder / f"{number}_field.png", "L") > 0
        if mask.shape != colour.shape[:2] or field.shape != mask.shape:
            raise Damaged("Picture, mask and field differ in size.", where=f"{folder}/{number}")
        colours.append(stored)
        pictures.append(fundus_channels(colour, field_of(colour)))
        masks.append(mask)
        fields.append(field)
    if len({one.shape for one in pictures}) != 1:
        raise InputRefused("The pictures differ in size.", where=str(folder))
    return MaskSet(np.stack(colours), np.stack(pictures), np.stack(masks), np.stack(fields))


def _split(path: Path, name: str, part: str) -> list[str]:
    try:
        numbers = json.loads(path.read_text(encoding="utf-8"))[name][part]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputRefused("The file of the splits cannot be read.", where=str(path)) from error
    if not numbers or not all(isinstance(n, str) and n.isalnum() for n in numbers):
        raise Damaged("The split is empty or names no files.", where=str(path))
    return [str(n) for n in numbers]


def read_png(path: Path, mode: str) -> NDArray[np.uint8]:
    """Return the pixels of a picture: (rows, columns) for "L", and 3 of them for "RGB"."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            return np.asarray(image.convert(mode), dtype=np.uint8)
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise InputRefused("The picture cannot be read.", where=str(path)) from error
