"""The networks in the table of segmentation methods: the same cases, in the same measures."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from viewer.domain.card import NetworkCard
from viewer.domain.segmenters import Mask
from viewer.inference.cards import load_cards
from viewer.inference.supervisor import Supervisor
from viewer.jobs.job import Ticket
from viewer.learning.compare_networks import FAMILIES
from viewer.learning.lesion_evaluate import lesion_box, picture_of_case
from viewer.learning.lesion_sets import LabelledVolume, read_lesions, split_of
from viewer.learning.studies import picture_of
from viewer.phantom.chest import PhantomStudy

Box = tuple[slice, slice, slice]
Found = tuple[NetworkCard, list[Mask]]


def lesions_found(
    samples: Sequence[tuple[PhantomStudy, Sequence[Box]]], ticket: Ticket
) -> list[Found]:
    """Return for each shipped CT network the masks (k, j, i) in the boxes of all samples, in order.

    The network sees the whole sample and is told of no place in it; all its lesions in a box count.
    """
    known = load_cards()
    cards = [known[key][0] for key in FAMILIES if key in known]
    supervisor = Supervisor()
    try:
        return [(card, _in_boxes(supervisor, card, samples, ticket)) for card in cards]
    finally:
        supervisor.close()


def _in_boxes(
    supervisor: Supervisor,
    card: NetworkCard,
    samples: Sequence[tuple[PhantomStudy, Sequence[Box]]],
    ticket: Ticket,
) -> list[Mask]:
    masks: list[Mask] = []
    for study, boxes in samples:
        if not boxes:
            continue
        ticket.check()
        ticket.report(None, f"{card.title}: seed {study.seed}")
        quiet = Ticket()
        ticket.when_cancelled(quiet.cancel)
        labels = supervisor.segment(picture_of(study), card, quiet).segmentation.labels
        masks += [labels[box] > 0 for box in boxes]
    return masks


def uptake_found(data: Path, box_of: Callable[[LabelledVolume], Box], ticket: Ticket) -> Found:
    """Return the shipped PET network's masks in the box about each lesion of the validation part."""
    names = split_of(data / "splits.json", "sarcoma")["validation"]
    card = load_cards()["pet_lesion"][0]
    supervisor = Supervisor()
    masks: list[Mask] = []
    try:
        for case in read_lesions(data / "sarcoma", names, "PT"):
            ticket.check()
            quiet = Ticket()
            ticket.when_cancelled(quiet.cancel)
            found = supervisor.segment(picture_of_case(case), card, quiet, prompt=lesion_box(case))
            masks.append(found.segmentation.labels[box_of(case)] > 0)
    finally:
        supervisor.close()
    return card, masks


def from_card(key: str) -> dict[str, Any]:
    """Return the figures that a network's card states, said as such."""
    card = load_cards()[key][0]
    stated = [
        {"name": f.name, "value": f.value, "interval_95": [f.low, f.high], "n": f.n_cases}
        for f in card.figures
    ]
    return {"method": key, "title": card.title, "settings": [], "from_its_card": stated}
