"""Shipped image classifiers beside the classical ones, on the validation part of their own sets."""

from pathlib import Path
from typing import Any

import numpy as np

from viewer.domain.card import NetworkCard
from viewer.errors import InputRefused
from viewer.inference.cards import load_cards
from viewer.inference.supervisor import Supervisor
from viewer.jobs.job import Ticket
from viewer.learning.classical import Floats, classical_merits, merit
from viewer.learning.image_evaluate import pair_score
from viewer.learning.image_recipe import data_path, load_image_recipe
from viewer.learning.image_sets import ClassSet, read_classes
from viewer.learning.image_train import RECIPE, validation_answers
from viewer.learning.picture_features import picture_features

_RAW_SIDE = 32  # smaller pictures are given to the classical ones pixel by pixel


def comparison(data: Path, ticket: Ticket) -> dict[str, Any]:
    """Return, for each shipped image classifier, its figures and the classical ones'.

    Two classes are compared: the second of the card against the first. All are trained on the same
    pictures: near-duplicates of validation pictures are left out where the recipe says so.

    Raises
    ------
    InputRefused
        None of the data sets lies in ``data``.
    Unsupported, BackendLost, Cancelled
        As for ``Supervisor.segment``.
    """
    supervisor = Supervisor()
    tasks, missing = [], []
    try:
        for key, (card, folder) in sorted(load_cards().items()):
            if card.task != "classify" or card.reads != "image" or not (folder / RECIPE).is_file():
                continue
            recipe = load_image_recipe(folder / RECIPE)
            try:
                path = data_path(data, recipe.data.path)
            except InputRefused:
                missing.append(key)
                continue
            ticket.report(None, card.title)
            sets = read_classes(path, card, is_grouped=recipe.data.is_grouped)
            tasks.append(_task(card, sets, supervisor, ticket))
    finally:
        supervisor.close()
    if not tasks:
        raise InputRefused(
            "None of the data sets lies in this folder.",
            where=str(data),
            remedy="Name the folder that holds chest_xray_28 or breast_ultrasound.",
        )
    return {"tasks": tasks, "not_found": missing}


def _task(
    card: NetworkCard, sets: tuple[ClassSet, ClassSet], supervisor: Supervisor, ticket: Ticket
) -> dict[str, Any]:
    train, validation = (_pair(one) for one in sets)
    answers = validation_answers(card, validation, supervisor, ticket)
    score = pair_score(answers, card)
    said = (score > 0).astype(np.int64)
    own = merit(card.key, score, said, validation.targets, validation.groups)
    classical = classical_merits(
        (_features(train), train.targets),
        (_features(validation), validation.targets),
        validation.groups,
        ticket.check,
    )
    is_raw = train.greys.shape[1] <= _RAW_SIDE
    return {
        "network": card.key,
        "classes": list(card.classes[:2]),
        "n_train": len(train.targets),
        "n_validation": len(validation.targets),
        "features": "pixels" if is_raw else "LBP, GLCM, HOG and first order",
        "results": [one.record() for one in (own, *classical)],
        "notes": list(sets[0].notes),
    }


def _pair(whole: ClassSet) -> ClassSet:
    """Return the pictures of the first two classes."""
    two = whole.targets < 2
    return ClassSet(whole.greys[two], whole.pictures[two], whole.targets[two], whole.groups[two])


def _features(part: ClassSet) -> Floats:
    if part.greys.shape[1] <= _RAW_SIDE:
        return np.asarray(part.greys.reshape(len(part.greys), -1), dtype=np.float64)
    stored = np.rint(part.greys * 255).astype(np.uint8)
    return np.stack([picture_features(one) for one in stored])
