"""From an image recipe to a card with weights: read, train in the worker, calibrate, test.

Each member of an ensemble is kept in the folder ``.members`` beside the result as soon as it is
trained, under a name that says of what recipe: so training goes on where it was interrupted.
"""

import hashlib
import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import Figure, NetworkCard
from viewer.errors import InputRefused
from viewer.inference.cards import CARD, ONNX, WEIGHTS, write_card
from viewer.inference.image_input import reduced
from viewer.inference.results import TrainingPlan
from viewer.inference.supervisor import Supervisor
from viewer.inference.two_forms import add_onnx_form
from viewer.jobs.job import Ticket
from viewer.learning.image_evaluate import calibrated, class_figures, mask_figures, with_ranges
from viewer.learning.image_recipe import ImageRecipe, data_path, load_image_recipe, plan_settings
from viewer.learning.image_sets import ClassSet, MaskSet, read_classes, read_masks
from viewer.learning.parts import part

RECIPE, MEMBERS = "recipe.toml", ".members"


def train_on(recipe_path: Path, data: Path, out: Path, ticket: Ticket) -> dict[str, Any]:
    """Train the network of a recipe on ``data``; write ``card.toml`` and the weights to ``out``.

    Returns key, folder, hash, losses, figures and notes. Nothing but members is written unless
    training and testing came to an end; a second call goes on with the members that are there.

    Raises
    ------
    InputRefused
        The recipe or the data cannot be used.
    Unsupported
        torch is not installed.
    """
    recipe = load_image_recipe(recipe_path)
    if out.exists() and not out.is_dir():
        raise InputRefused("This is not a folder.", where=str(out), remedy="Name another one.")
    out.mkdir(parents=True, exist_ok=True)
    ticket.report(None, "reading the pictures")
    supervisor = Supervisor()
    try:
        answer = _trained(recipe, data, out, supervisor, ticket)
    finally:
        supervisor.close()
    if recipe_path.resolve() != (out / RECIPE).resolve():
        shutil.copyfile(recipe_path, out / RECIPE)
    return answer


def _trained(
    recipe: ImageRecipe, data: Path, out: Path, supervisor: Supervisor, ticket: Ticket
) -> dict[str, Any]:
    sets = read_sets(recipe, data)
    train = sets[0]
    members, losses = [], []
    for n in range(recipe.n_members):
        share = part(ticket, n / recipe.n_members, (n + 0.95) / recipe.n_members, f"member {n + 1}")
        weights, history = _member(recipe, n, train, out / MEMBERS, supervisor, share)
        members.append(weights)
        losses.append(history)
    whole = merged(members)
    card = replace(recipe.card, weights_sha256=hashlib.sha256(whole).hexdigest())
    building = Path(tempfile.mkdtemp(prefix=".training-", dir=out))
    try:
        (building / WEIGHTS).write_bytes(whole)
        supervisor.install(card, building)
        card = add_onnx_form(supervisor, card, building, ticket)
        card = tested(recipe, card, sets, supervisor, ticket)
        write_card(card, building)
        for name in (WEIGHTS, ONNX, CARD):
            (building / name).replace(out / name)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    shutil.rmtree(out / MEMBERS, ignore_errors=True)
    return {
        "network": card.key,
        "folder": str(out),
        "weights_sha256": card.weights_sha256,
        "loss": losses,
        "figures": [figure_record(figure) for figure in card.figures],
        "notes": list(train.notes),
    }


def read_sets(
    recipe: ImageRecipe, data: Path
) -> tuple[ClassSet, ClassSet] | tuple[MaskSet, MaskSet]:
    """Return the training and the validation part that the recipe names, below ``data``."""
    path = data_path(data, recipe.data.path)
    if recipe.card.task == "classify":
        return read_classes(path, recipe.card, is_grouped=recipe.data.is_grouped)
    return (
        read_masks(path, "train", recipe.data.split),
        read_masks(path, "validation", recipe.data.split),
    )


def _member(
    recipe: ImageRecipe,
    number: int,
    train: ClassSet | MaskSet,
    folder: Path,
    supervisor: Supervisor,
    ticket: Ticket,
) -> tuple[bytes, list[float]]:
    """Return one member's weights and losses: those that are kept from before, or new ones."""
    settings = plan_settings(recipe, number)
    kept = folder / f"{member_name(settings, train)}.safetensors"
    if kept.is_file():
        return kept.read_bytes(), []
    sample = {"pictures": train.pictures, "targets": train.targets}
    trained = supervisor.train(TrainingPlan(settings, (sample,)), ticket)
    folder.mkdir(exist_ok=True)
    temporary = kept.with_suffix(".part")
    temporary.write_bytes(trained.weights)
    temporary.replace(kept)
    return trained.weights, list(trained.history)


def member_name(settings: dict[str, Any], train: ClassSet | MaskSet) -> str:
    """Return a name for what is trained how on what: another recipe gives another name."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    digest.update(np.ascontiguousarray(train.pictures).data)
    digest.update(np.ascontiguousarray(train.targets).data)
    return digest.hexdigest()[:24]


def merged(members: list[bytes]) -> bytes:
    """Return one safetensors file of all members of an ensemble, or the one network as it is."""
    from safetensors.numpy import load, save

    if len(members) == 1:
        return members[0]
    states = [load(one) for one in members]
    whole: dict[str, NDArray[Any]] = {}
    for name in states[0]:
        if name.startswith("members.0."):
            for n, state in enumerate(states):
                whole[name.replace("members.0.", f"members.{n}.", 1)] = state[name]
        else:  # one row for each member
            whole[name] = np.concatenate([state[name] for state in states])
    data: bytes = save(whole)
    return data


def tested(
    recipe: ImageRecipe,
    card: NetworkCard,
    sets: tuple[ClassSet, ClassSet] | tuple[MaskSet, MaskSet],
    supervisor: Supervisor,
    ticket: Ticket,
) -> NetworkCard:
    """Return the card with calibration and figures; its weights are known to ``supervisor``."""
    train, validation = sets
    if isinstance(train, MaskSet) or isinstance(validation, MaskSet):
        assert isinstance(validation, MaskSet)  # noqa: S101  # for the type alone
        return _mask_tested(card, validation, supervisor, ticket)
    card = with_ranges(card, reduced(train.greys, card))
    answers = validation_answers(card, validation, supervisor, ticket)
    card = calibrated(card, answers, validation.targets, equal_odds=recipe.equal_odds)
    figures = class_figures(card, answers, validation.targets, validation.groups)
    return replace(card, figures=figures)


def validation_answers(
    card: NetworkCard, validation: ClassSet, supervisor: Supervisor, ticket: Ticket
) -> NDArray[np.float32]:
    """Return what the network says of the validation pictures: (n, answers)."""
    greys = reduced(validation.greys, card)
    answer = supervisor.ask("classify_images", {"pictures": greys}, card, ticket)
    shape = tuple(answer.header["shape"])
    return np.frombuffer(answer.blobs[0], dtype=np.float32).reshape(shape)


def _mask_tested(
    card: NetworkCard, validation: MaskSet, supervisor: Supervisor, ticket: Ticket
) -> NetworkCard:
    masks = []
    for colour in validation.colours:
        answer = supervisor.ask("segment_image", {"picture": colour}, card, ticket)
        masks.append(np.frombuffer(answer.blobs[0], dtype=np.uint8).reshape(colour.shape[:2]) > 0)
    figures = mask_figures(np.stack(masks), validation.targets, validation.fields)
    return replace(card, figures=figures)


def figure_record(figure: Figure) -> dict[str, Any]:
    """Return a figure as plain values."""
    return {
        "name": figure.name,
        "value": figure.value,
        "interval_95": [figure.low, figure.high],
        "n_cases": figure.n_cases,
    }
