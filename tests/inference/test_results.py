"""What a worker answered, in the words of the domain."""

from typing import Any

import numpy as np
import pytest

from tests.inference.cards_for_tests import a_card
from viewer.errors import BackendLost
from viewer.inference.messages import Message
from viewer.inference.results import segment_result
from viewer.testing.builders import a_volume

_SHAPE = (4, 5, 6)


def _answer(highest: int, **header: Any) -> Message:
    labels = np.zeros(_SHAPE, dtype=np.uint8)
    labels[1, 1, 1] = highest
    entries = {
        "kind": "done", "number": 1, "shape": list(_SHAPE), "device": "test", "seconds": 1.0,
        "notes": [], **header,
    }  # fmt: skip
    return Message(entries, (labels.tobytes(),))


def test_classes_keep_number_and_name_and_those_that_are_not_there_are_left_out() -> None:
    card = a_card(answers="classes", n_classes=4)
    answer = _answer(3, volumes_mm3=[0.0, 0.0, 8.0], names=["white", "grey", "ventricles"])
    (one,) = segment_result(answer, a_volume(_SHAPE).build(), card, 1.0).segmentation.segments
    assert (one.number, one.name) == (3, "ventricles")
    assert one.category.meaning == "Anatomical Structure"


def test_where_the_reader_pointed_is_kept_with_the_result() -> None:
    prompt = {"box": [0, 1, 2, 3, 4, 5], "points": [[7, 8, 9]]}
    answer = _answer(1, volumes_mm3=[8.0], prompt=prompt)
    origin = segment_result(answer, a_volume(_SHAPE).build(), a_card(), 1.0).segmentation.origin
    assert ("box_lps_mm", "0.0 1.0 2.0 3.0 4.0 5.0") in origin.parameters
    assert ("point_1_lps_mm", "7.0 8.0 9.0") in origin.parameters


@pytest.mark.parametrize(
    "header",
    [
        {"volumes_mm3": [1.0]},
        {"volumes_mm3": [1.0, 1.0], "names": ["one"]},
        {"volumes_mm3": [1.0, 1.0, 1.0]},
    ],
)
def test_an_answer_whose_parts_do_not_fit_is_not_used(header: dict[str, Any]) -> None:
    with pytest.raises(BackendLost):
        segment_result(_answer(2, **header), a_volume(_SHAPE).build(), a_card(), 1.0)
