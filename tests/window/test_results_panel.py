"""The results: numbers in the order that readers expect, and what the selected one is made of."""

from pathlib import Path

import numpy as np

from viewer.actions.registry import perform
from viewer.phantom.demo import make_phantom_folder
from viewer.window.driving import settle, wait_for_jobs
from viewer.window.panels.histogram import HistogramView
from viewer.window.panels.results import summary
from viewer.window.start import Program


def test_a_selected_region_shows_its_distribution_and_its_receipt(
    program: Program, tmp_path: Path
) -> None:
    folder = make_phantom_folder(tmp_path / "study", shape_kji=(16, 48, 48))
    perform(program.context, "file.open_paths", paths=(folder / "dicom",))
    wait_for_jobs(program, 120, "Reading")
    grid = program.context.need_picture().grid
    points = grid.world([(20, 20, 4), (30, 20, 4), (20, 26, 4)]).tolist()
    uid = perform(program.context, "measure.add", kind="ellipse", points_lps_mm=points)
    settle()
    measurement = program.context.session.state.measurement(uid)
    words = summary(measurement, whole=True)
    order = [words.index(word) for word in ("mean", "–", "median", "counted", "skewness", "excess")]
    assert order == sorted(order)
    (view,) = [
        found
        for found in program.window.results.findChildren(HistogramView)
        if found.histogram is not None
    ]
    assert view.histogram is not None
    low, high = measurement.quantities[3].value, measurement.quantities[4].value
    assert np.allclose(view.histogram.edges[[0, -1]], (low, high))
    assert np.isclose(view.histogram.after.sum(), 1.0)
