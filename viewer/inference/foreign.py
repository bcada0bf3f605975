"""Networks that others made: what was read of one, what must be asked, and the card it becomes.

Readers (``foreign_readers``) look at a file or folder and run nothing. Whatever they cannot know is a
``Question``; answers are text, from a command line or a form alike, and are checked here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from viewer.domain.card import NetworkCard
from viewer.domain.quantity import Code
from viewer.errors import InputRefused
from viewer.inference.adapted import OUR_AXES, axis_order

Form = Literal["state", "script", "onnx", "arrays"]
Options = dict[str, int | float | str]

_KEY = re.compile(r"[a-z][a-z0-9_]{1,39}\Z")
_MOST_CLASSES, _LONGEST, _LARGEST_SIDE = 256, 2000, 1024
_NOT_SAID = "Not stated by those who made it."
_CONCEPTS = {
    "segment": Code("123037004", "SCT", "Anatomical Structure"),
    "classify": Code("404684003", "SCT", "Clinical finding"),
}
_DEFAULT_THRESHOLD = 0.5
_UNKNOWN_DEVIATION = 1000.0  # of log-odds: an interval from 0 to 1


@dataclass(frozen=True, slots=True)
class Question:
    """Something that only a person can say: ``option`` on the command line, ``text`` in words."""

    key: str
    text: str
    example: str
    choices: tuple[str, ...] = ()

    @property
    def option(self) -> str:
        """The option of the command line."""
        return "--" + self.key.replace("_", "-")


QUESTIONS: dict[str, Question] = {
    one.key: one
    for one in (
        Question("key", "A short name for it, of a-z, 0-9 and _", "spleen_ct"),
        Question("title", "Its name, as people shall read it", "Spleen (CT)"),
        Question("modality", "The DICOM modality that it reads", "CT"),
        Question(
            "architecture", "The architecture that these weights were trained with", "resnet18"
        ),
        Question("task", "What comes out", "segment", ("segment", "classify")),
        Question(
            "classes",
            "The names of what it tells apart, in its own order, with commas",
            "background, spleen",
        ),
        Question(
            "spacing", "The voxel spacing it was trained at, in mm, towards L, P and H", "1.5 1.5 2"
        ),
        Question("tile", "The block it sees at once: slices, rows, columns", "96 96 96"),
        Question(
            "scaling",
            'How values reach it: a window and what it becomes ("-175 250 to 0 1"), "percentiles" '
            '(1 and 99 to 0..1), "standard" (mean 0, deviation 1), or "nonzero" (the same without 0)',
            "-175 250 to 0 1",
        ),
        Question("axes", "Where the tensor's three axes lead, as letters of R/L, A/P, S/I", "RAS"),
        Question(
            "picture",
            "How grey values of 0..1 reach it",
            "imagenet",
            ("imagenet", "as they are", "standard"),
        ),
        Question("ends", "What its last layer gives", "logits", ("logits", "probabilities")),
    )
}
# What may be said, and need not be: the card then states that it is not known.
TEXTS = ("version", "trained_on", "data_licence", "intended_use", "unintended_use", "limits",
         "licence")  # fmt: skip


@dataclass(frozen=True)
class Foreign:
    """What a reader found, without having run any of it.

    ``form`` is how the numbers lie in ``path``; ``arrays`` holds them where reading them was plain.
    ``known`` are answers that the files gave, ``asked`` the questions that must be answered,
    ``options`` those of the architecture, ``notes`` what a person should hear before using it.
    """

    kind: str
    path: Path
    form: Form
    task: Literal["segment", "classify"]
    reads: Literal["volume", "image"]
    architecture: str
    options: Options
    known: Mapping[str, str]
    asked: tuple[str, ...]
    notes: tuple[str, ...] = ()
    arrays: Mapping[str, Any] = field(default_factory=dict)
    n_outputs: int = 0
    needs_trust: bool = False

    def answered(self, answers: Mapping[str, str]) -> "Foreign":
        """Return it with ``answers`` (text by question or ``TEXTS``) beside what was known.

        Raises
        ------
        InputRefused
            An answer makes no sense; the sentence says which and gives an example.
        """
        for key, text in answers.items():
            check_answer(key, text, self)
        return replace(self, known={**self.known, **answers})

    @property
    def missing(self) -> tuple[Question, ...]:
        """The questions that nobody answered yet, in the order in which to ask them."""
        return tuple(QUESTIONS[key] for key in self.asked if not self.known.get(key, "").strip())


def check_answer(key: str, text: str, foreign: Foreign) -> None:
    """Return if ``text`` can be an answer to the question ``key``.

    Raises
    ------
    InputRefused
        It cannot.
    """
    if key in TEXTS:
        if len(text) > _LONGEST or not text.replace("\n", " ").isprintable():
            raise InputRefused(f"The text for {key.replace('_', ' ')} is too long or no text.")
        return
    question = QUESTIONS.get(key)
    if question is None:
        raise InputRefused(f"There is nothing to say about {key}.")
    try:
        _one_of(question, text)
        _PARSERS.get(key, _line)(text)
        if key == "classes" and foreign.n_outputs:
            _check_count(class_names(text), foreign)
    except ValueError as error:
        more = f", one of: {', '.join(question.choices)}" if question.choices else ""
        raise InputRefused(
            f'"{text[:60]}" is no answer to: {question.text}.',
            remedy=f"Write it like this: {question.example}{more}.",
        ) from error


def _one_of(question: Question, text: str) -> None:
    if question.choices and text not in question.choices:
        raise ValueError


def _check_count(names: tuple[str, ...], foreign: Foreign) -> None:
    n = foreign.n_outputs
    # A single output is one thing against the rest: its name alone, or both names.
    if len(names) != n and not (n == 1 and foreign.task == "segment" and len(names) <= 2):
        raise InputRefused(
            f"The network has {n} outputs, and {len(names)} names were given.",
            remedy="Name them all, the background too, in the network's own order.",
        )


def _line(text: str) -> str:
    if not text.strip() or len(text) > _LONGEST or not text.isprintable():
        raise ValueError
    return text.strip()


def _key(text: str) -> str:
    if not _KEY.match(text):
        raise ValueError
    return text


def class_names(text: str) -> tuple[str, ...]:
    """Return the names between commas.

    Raises
    ------
    ValueError
        One is empty or there twice, or there are far too many.
    """
    names = tuple(_line(part) for part in text.split(","))
    if len(set(names)) != len(names) or len(names) > _MOST_CLASSES:
        raise ValueError
    return names


def _numbers(text: str, n: int) -> tuple[float, ...]:
    found = tuple(float(word) for word in text.replace(",", " ").replace("x", " ").split())
    if len(found) != n or not all(0 < one < 1e5 for one in found):
        raise ValueError
    return found


def _spacing(text: str) -> tuple[float, float, float]:
    first, second, third = _numbers(text, 3)
    return first, second, third


def _tile(text: str) -> tuple[int, int, int]:
    words = text.replace(",", " ").replace("x", " ").split()
    given = _numbers(text if len(words) == 3 else f"1 {text}", 3)
    k, j, i = (round(one) for one in given)
    sides = (k, j, i)
    if any(n != one for n, one in zip(sides, given, strict=True)) or max(sides) > _LARGEST_SIDE:
        raise ValueError
    return sides


def scaling_of(text: str) -> tuple[str, tuple[float, float], Options]:
    """Return the card's scaling, its window, and the options that go with it.

    Raises
    ------
    ValueError
        It is none of the four ways.
    """
    if text in ("percentiles", "standard"):
        return text, (0.0, 1.0), {}
    if text == "nonzero":
        return "standard", (0.0, 1.0), {"nonzero": 1}
    before, _, after = text.partition(" to ")
    low, high = (float(word) for word in before.split())
    first, last = (float(word) for word in (after or "0 1").split())
    if not (-1e7 < low < high < 1e7) or not (-1e4 < first < last < 1e4):
        raise ValueError
    options: Options = {}
    if (first, last) != (0.0, 1.0):
        options = {"scale": last - first, "shift": first}
    return "window", (low, high), options


def _axes(text: str) -> str:
    try:
        axis_order(text)
    except InputRefused as error:
        raise ValueError from error
    return text


_PARSERS: dict[str, Any] = {
    "key": _key,
    "classes": class_names,
    "spacing": _spacing,
    "tile": _tile,
    "scaling": scaling_of,
    "axes": _axes,
}


def card_of(foreign: Foreign) -> NetworkCard:
    """Return the card that the files and the answers make, without hashes.

    Raises
    ------
    InputRefused
        A question is open; the sentence names the options that are missing.
    """
    if foreign.missing:
        lacking = ", ".join(one.option for one in foreign.missing)
        raise InputRefused(
            f"The files do not say everything about this network; missing: {lacking}.",
            where=foreign.path.name,
            remedy=" ".join(f"{q.option}: {q.text} (as: {q.example})." for q in foreign.missing),
        )
    for key, text in foreign.known.items():
        check_answer(key, text, foreign)
    said = foreign.known
    names = class_names(said["classes"])
    scaling, (low, high), extra = scaling_of(said.get("scaling", "0 1"))
    is_mask = foreign.task == "segment" and foreign.n_outputs == 1
    options = {**foreign.options, **extra, **_said_options(foreign)}
    return NetworkCard(
        key=_key(said["key"]),
        title=_line(said["title"]),
        version=said.get("version", "as imported"),
        task=foreign.task,
        architecture=foreign.architecture,
        options=tuple(sorted(options.items())),
        weights_sha256="",
        modality=_line(said["modality"]),
        spacing_ijk_mm=_spacing(said.get("spacing", "1 1 1")),
        tile_kji=_tile(said["tile"]),
        window_low=low,
        window_high=high,
        n_classes=2 if is_mask else len(names),
        concept=_CONCEPTS[foreign.task],
        trained_on=said.get("trained_on", _NOT_SAID),
        intended_use=said.get("intended_use", _NOT_SAID),
        limits=said.get("limits", "Brought in from elsewhere; nothing about it was measured here."),
        licence=said.get("licence", _NOT_SAID),
        figures=(),
        threshold=_DEFAULT_THRESHOLD,
        reads=foreign.reads,
        classes=names,
        data_licence=said.get("data_licence", _NOT_SAID),
        unintended_use=said.get("unintended_use", "Everything that its makers did not test it on."),
        failure_cases=(),
        scaling={"percentiles": "percentiles", "standard": "standard"}.get(scaling, "window"),  # type: ignore[arg-type]
        answers="classes" if foreign.task == "segment" and not is_mask else "mask",
    )


def _said_options(foreign: Foreign) -> Options:
    said = foreign.known
    options: Options = {}
    if said.get("ends", "logits") == "probabilities":
        options["ends"] = "probabilities"
    if said.get("axes", OUR_AXES) != OUR_AXES:
        options["axes"] = said["axes"]
    if "picture" in said:
        options["picture"] = said["picture"]
    if foreign.task == "classify":
        # Nobody calibrated it: the interval is everything, and a warning says so.
        options |= {"uncalibrated": 1, "calibration_deviation": _UNKNOWN_DEVIATION}
        options["classes"] = len(class_names(said["classes"]))
    elif foreign.reads == "volume":
        options["whole_tile"] = 1
    return options
