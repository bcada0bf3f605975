"""The page on segmentation methods shows what the command measured, and every method."""

import numpy as np
from PySide6.QtWidgets import QLabel

from viewer.window.method_page import figure_text, method_page, tasks
from viewer.window.start import Program


def test_the_table_and_every_method_stand_on_the_page(program: Program) -> None:
    page = method_page(program.context)
    words = [found.text() for found in page.findChildren(QLabel)]
    for method in program.context.extensions.segmenters.values():
        assert method.title in words
        assert f"{method.purpose} {method.caution}" in words
    (task,) = tasks()
    assert len(task["methods"]) >= 7
    networks = [method["method"] for method in task["methods"] if method.get("is_network")]
    assert networks == ["lesions", "lesions_fcn", "lesions_instance"]
    pictures = [found for found in page.findChildren(QLabel) if not found.pixmap().isNull()]
    assert len(pictures) == 2 * len(task["methods"])
    named = [found.accessibleName() for found in pictures]
    for method in task["methods"]:
        assert method["worst_dice"] <= method["dice"]["value"] <= method["best_dice"]
        assert f"{method['title']}: worst, {method['worst']}" in " ".join(named)
        assert figure_text(method["dice"]) in words
        assert any(f"worst: {method['worst']}; best: {method['best']}" in word for word in words)
        low, high = method["dice"]["interval_95"]
        assert 0 <= low <= method["dice"]["value"] <= high <= 1


def test_a_figure_is_written_with_its_interval() -> None:
    assert figure_text({"value": 0.641, "interval_95": [0.5, 0.777]}) == "0.64 (0.50-0.78)"
    hd95 = {"value": np.pi, "interval_95": [2, 4.25], "unit": "mm"}
    assert figure_text(hd95) == "3.1 (2.0-4.2)"
    nine = {"value": 2.5, "interval_95": [2, 3], "n": 9, "unit": "mm"}
    assert figure_text(nine, 12) == "2.5 (2.0-3.0), 9 of 12"
    assert figure_text({"value": None, "interval_95": None, "n": 0}, 12) == "none"
