"""From a recipe and cases of one's own to a card with weights; interrupted, it goes on."""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from viewer.domain.card import Figure, NetworkCard
from viewer.errors import InputRefused
from viewer.imaging.agreement import bootstrap_interval, dice
from viewer.inference.cards import WEIGHTS, load_cards, verify_weights, write_card
from viewer.inference.results import Trained, TrainingPlan
from viewer.inference.supervisor import Supervisor
from viewer.inference.two_forms import add_onnx_form
from viewer.jobs.job import Ticket
from viewer.learning.own_recipe import OwnRecipe, load_own_recipe
from viewer.learning.own_sets import OwnCase, case_places, own_sample, parts_of, read_case
from viewer.learning.parts import part

RECIPE, CHECKPOINT, CURVE = "recipe.toml", "training.safetensors", "curve.jsonl"


def train_on(recipe_path: Path, data: Path, out: Path, ticket: Ticket) -> dict[str, Any]:
    """Train the network of a recipe on the cases in ``data``; write card and both forms to ``out``.

    While it trains, ``out`` holds ``curve.jsonl`` (a line a step) and ``training.safetensors``: the
    same call goes on from there. Both forms and the card are written at the end.

    Raises
    ------
    InputRefused
        The recipe or a case cannot be used.
    Conflict
        ``out`` holds the beginning of another training.
    Unsupported
        torch is not installed.
    """
    recipe = load_own_recipe(recipe_path)
    if out.exists() and not out.is_dir():
        raise InputRefused("This is not a folder.", where=str(out), remedy="Name another one.")
    out.mkdir(parents=True, exist_ok=True)
    places = {place.name: place for place in case_places(data)}
    training, kept = parts_of(list(places), recipe.training.validation, recipe.training.seed)
    reading = part(ticket, 0.0, 0.1, "reading")
    samples = []
    for n, name in enumerate(training):
        reading.check()
        reading.report(n / len(training), f"case {n + 1} of {len(training)}")
        samples.append(own_sample(read_case(places[name], recipe.card), recipe.card))
    supervisor = Supervisor()
    try:
        plan = TrainingPlan(_settings(recipe, out), tuple(_with_start(recipe, samples)))
        trained = supervisor.train(plan, part(ticket, 0.1, 0.9, "training"))
        unseen = [read_case(places[name], recipe.card) for name in kept]
        recipe = _said(recipe, len(training))
        card = _finished(recipe, trained, unseen, out, supervisor, ticket)
    finally:
        supervisor.close()
    if recipe_path.resolve() != (out / RECIPE).resolve():
        shutil.copyfile(recipe_path, out / RECIPE)
    (out / CHECKPOINT).unlink(missing_ok=True)
    return {
        "network": card.key,
        "folder": str(out),
        "weights_sha256": card.weights_sha256,
        "trained_on": training,
        "validated_on": kept,
        "loss": list(trained.history),
        "curve": str(out / CURVE),
        "figures": [
            {"name": f.name, "value": f.value, "interval_95": [f.low, f.high], "n": f.n_cases}
            for f in card.figures
        ],
    }


def _settings(recipe: OwnRecipe, out: Path) -> dict[str, Any]:
    training = recipe.training
    return {
        "task": "volume_own",
        "architecture": recipe.card.architecture,
        "options": dict(recipe.card.options),
        "patch_kji": list(training.patch_kji),
        "batch": training.batch,
        "steps": training.steps,
        "learning_rate": training.learning_rate,
        "seed": training.seed,
        "time_limit_s": training.time_limit_s,
        "mirrors": training.mirrors,
        "keep_every": training.keep_every,
        "threads": training.threads,
        "checkpoint": str((out / CHECKPOINT).resolve()),
        "curve": str((out / CURVE).resolve()),
    }


def _with_start(recipe: OwnRecipe, samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the samples, the first with the weights that are tuned further, if any are."""
    if not recipe.start_from:
        return samples
    installed = load_cards()
    if recipe.start_from not in installed:
        raise InputRefused(
            f"The recipe starts from {recipe.start_from}, which is not installed.",
            remedy=f"Choose one of: {', '.join(installed)}.",
        )
    card, folder = installed[recipe.start_from]
    start = np.frombuffer(verify_weights(folder, card), dtype=np.uint8)
    return [{**samples[0], "start": start}, *samples[1:]]


def _said(recipe: OwnRecipe, n_cases: int) -> OwnRecipe:
    """Return the recipe, its card saying how many cases it learned from where it says nothing."""
    if recipe.card.trained_on:
        return recipe
    return replace(recipe, card=replace(recipe.card, trained_on=f"{n_cases} cases of one's own."))


def _finished(
    recipe: OwnRecipe,
    trained: Trained,
    unseen: Sequence[OwnCase],
    out: Path,
    supervisor: Supervisor,
    ticket: Ticket,
) -> NetworkCard:
    """Write weights, ONNX form and card, with what it does on the cases that were kept away."""
    (out / WEIGHTS).write_bytes(trained.weights)
    card = replace(recipe.card, weights_sha256=hashlib.sha256(trained.weights).hexdigest())
    supervisor.install(card, out)
    card = add_onnx_form(supervisor, card, out, part(ticket, 0.9, 0.92))
    testing = part(ticket, 0.92, 1.0, "testing")
    card = replace(card, figures=own_figures(card, unseen, supervisor, testing))
    write_card(card, out)
    return card


def own_figures(
    card: NetworkCard, cases: Sequence[OwnCase], supervisor: Supervisor, ticket: Ticket
) -> tuple[Figure, ...]:
    """Return the Dice of each class over the cases that have it, with a 95 % bootstrap interval.

    Of one case no interval is known: it is given as 0 to 1.
    """
    is_mask = card.answers == "mask"
    found: dict[str, list[float]] = {}
    for n, case in enumerate(cases):
        ticket.report(n / len(cases), f"case {n + 1} of {len(cases)}")
        silent = Ticket()
        ticket.when_cancelled(silent.cancel)
        drawn = supervisor.segment(case.picture, card, silent).segmentation.labels
        if is_mask:
            found.setdefault("Dice", []).append(dice(drawn > 0, case.labels > 0))
            continue
        for number in np.unique(case.labels[case.labels > 0]).tolist():
            name = f"Dice, {card.classes[number] if card.classes else number}"
            found.setdefault(name, []).append(dice(drawn == number, case.labels == number))
    figures = []
    for name, values in found.items():
        low, high = bootstrap_interval(values) if len(values) > 1 else (0.0, 1.0)
        figures.append(Figure(name, float(np.mean(values)), low, high, len(values)))
    return tuple(figures)
