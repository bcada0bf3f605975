"""The evaluation of enhancement: figures are what they say, and it can tell good from bad."""

import json
from pathlib import Path

import numpy as np
import pytest

from viewer.__main__ import main
from viewer.domain.chain import Chain, Step
from viewer.extensions.discover import load_extensions
from viewer.extensions.presets import Preset
from viewer.learning.degradations import DEGRADATIONS, span_of
from viewer.learning.enhancement import (
    Case,
    evaluate,
    figures,
    generated_cases,
    nearest_line,
)
from viewer.learning.real_planes import real_cases
from viewer.phantom.planes import KINDS, scene

FILTERS = load_extensions().filters


@pytest.mark.parametrize("kind", KINDS)
def test_a_scene_is_always_the_same_and_its_target_can_be_told(kind: str) -> None:
    one, again, other = scene(kind, 4), scene(kind, 4), scene(kind, 5)
    assert np.array_equal(one.clean, again.clean)
    assert not np.array_equal(one.clean, other.clean)
    assert one.signal.sum() >= 10
    assert one.background.sum() > one.signal.sum()
    assert not (one.signal & one.background).any()
    apart = abs(one.clean[one.signal].mean() - one.clean[one.background].mean())
    assert apart > 0.02 * span_of(one.clean)


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_every_degradation_makes_it_worse_and_leaves_the_truth_alone(name: str) -> None:
    found = scene("brain_mr", 1)
    kept = found.clean.copy()
    worse = DEGRADATIONS[name](found.clean, np.random.default_rng(1))
    assert np.array_equal(found.clean, kept)
    assert worse.shape == kept.shape
    assert np.isfinite(worse).all()
    seen = figures(worse, found)
    assert seen.psnr_db is not None
    assert seen.psnr_db < 40
    assert seen.ssim is not None
    assert seen.ssim < 0.98


def test_gaussian_noise_has_the_size_that_it_names() -> None:
    flat = np.linspace(0, 1000, 200 * 200, dtype=np.float32).reshape(200, 200)
    noise = DEGRADATIONS["gaussian"](flat, np.random.default_rng(2)) - flat
    assert noise.std() == pytest.approx(0.08 * span_of(flat), rel=0.03)


def test_a_change_of_the_window_is_no_difference() -> None:
    found = scene("pet", 1)
    turned = (found.clean * -3 + 8).astype(np.float32)
    assert nearest_line(turned, found.clean) == pytest.approx(found.clean, abs=1e-4)
    seen = figures(turned, found)
    assert seen.ssim == pytest.approx(1, abs=1e-4)


def test_smoothing_gains_against_noise_and_loses_against_blur() -> None:
    smooth = Preset("s", "S", "p", "c", Chain((Step.of("gaussian", {"sigma_mm": 1.2}),)))
    cases = [Case("generated", scene("brain_mr", seed)) for seed in (1, 2, 3)]
    rows = {row.degradation: row for row in evaluate(cases, [smooth], FILTERS)}
    assert set(rows) == set(DEGRADATIONS)
    noisy, soft = rows["gaussian"], rows["blur"]
    assert noisy.after.psnr_db is not None
    assert noisy.before.psnr_db is not None
    assert noisy.after.psnr_db > noisy.before.psnr_db + 2
    assert noisy.improved["cnr"] == 1.0
    assert soft.improved["psnr_db"] == 0.0


def test_a_preset_is_tried_on_its_own_modality_alone() -> None:
    chain = Chain((Step("gaussian"),))
    ct, kind = (
        Preset("a", "A", "p", "c", chain, ("CT",)),
        Preset("b", "B", "p", "c", chain, ("DX",), kinds=("fracture",)),
    )
    rows = evaluate(generated_cases(1), [ct, kind], FILTERS)
    assert {(row.preset, row.kind) for row in rows} == {("a", "lung_ct"), ("b", "fracture")}


def test_the_table_is_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", "enhancement", "--n", "1", "--preset", "low_dose_lung_ct", "--json"]
    assert main(words) == 0
    document = json.loads(capsys.readouterr().out)
    assert {row["degradation"] for row in document["rows"]} == set(DEGRADATIONS)
    (told,) = document["summary"]
    rows = document["rows"]
    mean = sum(row["improved_share"]["cnr"] for row in rows) / len(rows)
    assert told["improved_share"]["cnr"] == pytest.approx(mean, abs=0.001)
    assert set(document["rows"][0]["improved_share"]) == {"psnr_db", "ssim", "cnr", "snr"}


@pytest.mark.parametrize("words", [["--n", "0"], ["--preset", "none"], ["--data", "/nowhere"]])
def test_what_cannot_be_evaluated_is_refused(words: list[str]) -> None:
    assert main(["evaluate", "enhancement", *words]) == 3


def test_real_pictures_are_found_with_their_targets(shared_data: Path, tmp_path: Path) -> None:
    cases = real_cases(shared_data / "training", 2)
    sources = {case.source for case in cases}
    assert len(sources) == 5
    retina = next(c.scene for c in cases if c.source.startswith("retina"))
    inside, beside = retina.clean[retina.signal], retina.clean[retina.background]
    assert inside.mean() < beside.mean()  # vessels are dark
    from viewer.errors import InputRefused

    with pytest.raises(InputRefused):
        real_cases(tmp_path, 2)
