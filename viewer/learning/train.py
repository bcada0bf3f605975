"""From a recipe to a card with weights: generate, train in the worker, test on unseen studies."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from viewer.domain.card import Figure, NetworkCard
from viewer.domain.segmentation import Segmentation
from viewer.errors import InputRefused
from viewer.inference.cards import CARD, ONNX, WEIGHTS, load_cards, verify_weights, write_card
from viewer.inference.results import Trained, TrainingPlan
from viewer.inference.supervisor import Supervisor
from viewer.inference.two_forms import add_onnx_form
from viewer.jobs.job import Ticket
from viewer.learning.evaluate import (
    Answer,
    calibration_half_width,
    classifier_figures,
    classify_study,
    fitted_temperature,
    segment_study,
    segmenter_figures,
)
from viewer.learning.parts import part
from viewer.learning.recipe import Recipe, load_recipe
from viewer.learning.studies import (
    Sample,
    lesion_views,
    patches_sample,
    training_studies,
    unseen_studies,
    validation_studies,
)
from viewer.phantom.chest import PhantomStudy

RECIPE = "recipe.toml"


def train(recipe_path: Path, out: Path, ticket: Ticket) -> dict[str, Any]:
    """Train the network of a recipe and write its card and both its forms to ``out``.

    Returns key, folder, hash, losses and figures. Nothing is written unless training and testing
    came to an end.

    Raises
    ------
    InputRefused
        The recipe cannot be used.
    Unsupported
        torch is not installed.
    """
    recipe = load_recipe(recipe_path)
    if out.exists() and not out.is_dir():
        raise InputRefused("This is not a folder.", where=str(out), remedy="Name another one.")
    out.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".training-", dir=out))
    supervisor = Supervisor()
    try:
        samples = _with_start(recipe, _samples(recipe, part(ticket, 0.0, 0.25, "samples")))
        trained = supervisor.train(plan_of(recipe, samples), part(ticket, 0.25, 0.8, "training"))
        card = _installed(recipe, trained, building, supervisor)
        card = add_onnx_form(supervisor, card, building, ticket)
        card = tested(recipe, card, supervisor, part(ticket, 0.8, 1.0, "testing"))
        write_card(card, building)
        for name in (WEIGHTS, ONNX, CARD):
            (building / name).replace(out / name)
    finally:
        supervisor.close()
        shutil.rmtree(building, ignore_errors=True)
    if recipe_path.resolve() != (out / RECIPE).resolve():
        shutil.copyfile(recipe_path, out / RECIPE)
    return {
        "network": card.key,
        "folder": str(out),
        "weights_sha256": card.weights_sha256,
        "loss": list(trained.history),
        "figures": [_figure_record(figure) for figure in card.figures],
    }


def _figure_record(figure: Figure) -> dict[str, Any]:
    return {
        "name": figure.name,
        "value": figure.value,
        "interval_95": [figure.low, figure.high],
        "n_studies": figure.n_cases,
    }


def plan_of(recipe: Recipe, samples: tuple[Sample, ...]) -> TrainingPlan:
    """Return what the worker needs."""
    training = recipe.training
    settings: dict[str, Any] = {
        "task": "volume_instances" if recipe.card.answers == "instances" else recipe.card.task,
        "architecture": recipe.card.architecture,
        "options": dict(recipe.card.options),
        "patch_kji": list(training.patch_kji),
        "batch": training.batch,
        "steps": training.steps,
        "learning_rate": training.learning_rate,
        "seed": training.seed,
        "time_limit_s": training.time_limit_s,
        "positive_weight": training.positive_weight,
    }
    return TrainingPlan(settings, samples)


def _samples(recipe: Recipe, ticket: Ticket) -> tuple[Sample, ...]:
    studies = training_studies(recipe, ticket)
    if recipe.card.task == "segment":
        patch = recipe.training.patch_kji
        return tuple(patches_sample(study, recipe.card, patch) for study in studies)
    rng = np.random.default_rng(recipe.training.seed)
    views, targets = [], []
    for study in studies:
        more, kinds = lesion_views(study, recipe.card, rng)
        views += more
        targets += kinds
    if len(set(targets)) < 2:
        raise InputRefused(
            "The training studies do not hold lesions of both kinds.",
            remedy="Generate more studies.",
        )
    return ({"views": np.stack(views), "targets": np.array(targets, dtype=np.uint8)},)


def _with_start(recipe: Recipe, samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
    """Return the samples, the first with the weights to start from, if the recipe names any."""
    if not recipe.start_from:
        return samples
    installed = load_cards()
    if recipe.start_from not in installed:
        raise InputRefused(
            f"The recipe starts from {recipe.start_from}, which is not installed.",
            remedy="Train that network first.",
        )
    card, folder = installed[recipe.start_from]
    start = np.frombuffer(verify_weights(folder, card), dtype=np.uint8)
    return ({**samples[0], "start": start}, *samples[1:])


def _installed(
    recipe: Recipe, trained: Trained, folder: Path, supervisor: Supervisor
) -> NetworkCard:
    """Put the weights into ``folder`` and make them known; return the card without figures."""
    (folder / WEIGHTS).write_bytes(trained.weights)
    digest = hashlib.sha256(trained.weights).hexdigest()
    card = replace(recipe.card, weights_sha256=digest)
    supervisor.install(card, folder)
    return card


def tested(
    recipe: Recipe, card: NetworkCard, supervisor: Supervisor, ticket: Ticket
) -> NetworkCard:
    """Return the card with calibration and figures; its weights are known to ``supervisor``."""
    test = _segmenter if card.task == "segment" else _classifier
    return test(recipe, card, supervisor, ticket)


def _segmenter(
    recipe: Recipe, card: NetworkCard, supervisor: Supervisor, ticket: Ticket
) -> NetworkCard:
    results = [
        segment_study(supervisor, card, study, _quiet(ticket))[1]
        for study in _counted(recipe, ticket)
    ]
    return replace(card, figures=segmenter_figures(results))


def _classifier(
    recipe: Recipe, card: NetworkCard, supervisor: Supervisor, ticket: Ticket
) -> NetworkCard:
    """Calibrate on the validation studies, then test on lesions as the segmenter draws them."""
    drawn = _drawer(recipe, supervisor, ticket)
    valid: list[Answer] = []
    for study in validation_studies(recipe, part(ticket, 0.0, 0.4)):
        valid += classify_study(supervisor, card, study, drawn(study), _quiet(ticket))
    options = {**dict(card.options), "temperature": round(fitted_temperature(valid), 3)}
    card = replace(card, options=tuple(sorted(options.items())))
    valid = [replace(one, score=_cooled(one.score, options["temperature"])) for one in valid]
    card = replace(card, calibration_half_width=round(calibration_half_width(valid), 3))
    answers: list[Answer] = []
    n_studies = 0
    for study in _counted(recipe, part(ticket, 0.4, 1.0)):
        n_studies += 1
        answers += classify_study(supervisor, card, study, drawn(study), _quiet(ticket))
    return replace(card, figures=classifier_figures(answers, n_studies))


def _cooled(score: float, temperature: float | str) -> float:
    clipped = min(max(score, 1e-6), 1 - 1e-6)
    logit = np.log(clipped / (1 - clipped)) / float(temperature)
    return float(1 / (1 + np.exp(-logit)))


def _drawer(
    recipe: Recipe, supervisor: Supervisor, ticket: Ticket
) -> Callable[[PhantomStudy], Segmentation | None]:
    """Return what outlines a study's lesions: the recipe's segmenter, or (None) the truth."""
    if not recipe.segmenter:
        return lambda _study: None
    installed = load_cards()
    if recipe.segmenter not in installed:
        raise InputRefused(
            f"The recipe tests on the lesions of {recipe.segmenter}, which is not installed.",
            remedy="Train that network first.",
        )
    segmenter, _ = installed[recipe.segmenter]
    return lambda study: segment_study(supervisor, segmenter, study, _quiet(ticket))[0]


def _counted(recipe: Recipe, ticket: Ticket) -> Iterator[PhantomStudy]:
    """Yield the test studies, with progress."""
    first, last = recipe.seeds.test
    for n, study in enumerate(unseen_studies(recipe, ticket)):
        ticket.report(n / (last - first), f"study {n + 1} of {last - first}")
        yield study


def _quiet(ticket: Ticket) -> Ticket:
    """Return a ticket that is cancelled with ``ticket`` and reports nothing."""
    silent = Ticket()
    ticket.when_cancelled(silent.cancel)
    return silent
