"""From a recipe and patients with masks to a card with weights."""

import hashlib
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.domain.prompt import Prompt
from viewer.errors import InputRefused
from viewer.inference.cards import CARD, ONNX, WEIGHTS, write_card
from viewer.inference.results import TrainingPlan
from viewer.inference.supervisor import Supervisor
from viewer.jobs.job import Ticket
from viewer.learning.lesion_evaluate import (
    LesionResult,
    lesion_figures,
    lesion_result,
    picture_of_case,
)
from viewer.learning.lesion_recipe import LesionRecipe, load_lesion_recipe, plan_settings
from viewer.learning.lesion_sets import LabelledVolume, read_lesions, split_of, tracer_sample
from viewer.learning.parts import part

RECIPE = "recipe.toml"


def train_on(recipe_path: Path, data: Path, out: Path, ticket: Ticket) -> dict[str, Any]:
    """Train the network of a recipe on ``data``; write card, weights and ONNX form to ``out``.

    Returns key, folder, hash, losses and figures. Nothing is written unless training and testing
    came to an end.

    Raises
    ------
    InputRefused
        The recipe or the data cannot be used.
    Unsupported
        torch is not installed.
    """
    recipe = load_lesion_recipe(recipe_path)
    cases = read_part(recipe, data, "train")
    samples = tuple(tracer_sample(case, recipe.card) for case in cases)
    supervisor = Supervisor()
    try:
        plan = TrainingPlan(plan_settings(recipe), samples)
        trained = supervisor.train(plan, part(ticket, 0.0, 0.85, "training"))
        validation = read_part(recipe, data, "validation")
        card = finished(
            recipe, trained.weights, validation, out, supervisor, part(ticket, 0.85, 1.0)
        )
    finally:
        supervisor.close()
    if recipe_path.resolve() != (out / RECIPE).resolve():
        shutil.copyfile(recipe_path, out / RECIPE)
    return {
        "network": card.key,
        "folder": str(out),
        "weights_sha256": card.weights_sha256,
        "loss": list(trained.history),
        "figures": [
            {"name": f.name, "value": f.value, "interval_95": [f.low, f.high], "n": f.n_cases}
            for f in card.figures
        ],
    }


def read_part(recipe: LesionRecipe, data: Path, name: str) -> list[LabelledVolume]:
    """Return the patients of a part of the split: "train" or "validation".

    Raises
    ------
    InputRefused, Damaged
        The data are not there, or not of this form.
    """
    names = split_of(data / "splits.json", recipe.data.split)[name]
    return read_lesions(data / recipe.data.path, names, recipe.card.modality, stem=recipe.data.stem)


def finished(
    recipe: LesionRecipe,
    weights: bytes,
    validation: list[LabelledVolume],
    out: Path,
    supervisor: Supervisor,
    ticket: Ticket,
) -> NetworkCard:
    """Test ``weights`` on ``validation``, write card, weights and ONNX form; return the card.

    Raises
    ------
    InputRefused
        ``out`` is no folder, or the two forms of the network disagree.
    """
    if out.exists() and not out.is_dir():
        raise InputRefused("This is not a folder.", where=str(out), remedy="Name another one.")
    out.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".training-", dir=out))
    try:
        (building / WEIGHTS).write_bytes(weights)
        card = replace(recipe.card, weights_sha256=hashlib.sha256(weights).hexdigest())
        supervisor.install(card, building)
        form = supervisor.onnx_form(card, _quiet(ticket))
        if not form.agrees:
            raise InputRefused(
                "The ONNX form of this network does not say the same as its weights."
            )
        (building / ONNX).write_bytes(form.data)
        card = replace(card, onnx_sha256=hashlib.sha256(form.data).hexdigest())
        supervisor.install(card, building)
        results = tested(card, validation, supervisor, ticket)
        card = replace(card, figures=lesion_figures(results))
        write_card(card, building)
        for name in (WEIGHTS, ONNX, CARD):
            (building / name).replace(out / name)
        supervisor.install(card, out)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return card


def tested(
    card: NetworkCard, cases: list[LabelledVolume], supervisor: Supervisor, ticket: Ticket
) -> list[LesionResult]:
    """Return how the network does on ``cases``, through the same path as in the product."""

    def segmenter(case: LabelledVolume, prompt: Prompt) -> NDArray[np.uint8]:
        picture = picture_of_case(case)
        return supervisor.segment(picture, card, _quiet(ticket), prompt).segmentation.labels

    results = []
    for n, case in enumerate(cases):
        ticket.report(n / len(cases), f"case {n + 1} of {len(cases)}")
        results.append(lesion_result(case, segmenter))
    return results


def _quiet(ticket: Ticket) -> Ticket:
    silent = Ticket()
    ticket.when_cancelled(silent.cancel)
    return silent
