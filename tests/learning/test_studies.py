"""Training samples are what the pipeline will show the network."""

from dataclasses import replace

import numpy as np
import pytest

from tests.learning.small import a_recipe
from viewer.inference.handover import Scan
from viewer.inference.pipeline import canonical_grid
from viewer.inference.sampling import normalised, sampled
from viewer.jobs.job import Cancelled, Ticket
from viewer.learning.studies import (
    VIEWS,
    as_bytes,
    lesion_views,
    patches_sample,
    picture_of,
    redrawn,
    training_studies,
    truth_of,
    unseen_studies,
    validation_studies,
)
from viewer.phantom.chest import LesionTruth, PhantomStudy, make_chest, make_sample
from viewer.testing.builders import a_volume, rotation


@pytest.fixture(scope="module")
def study() -> PhantomStudy:
    return make_chest(5, shape_kji=(32, 56, 56), spacing_ijk_mm=(6.6, 6.6, 8.6))


def test_a_sample_is_what_the_pipeline_shows(study: PhantomStudy) -> None:
    card = replace(a_recipe("segment").card, spacing_ijk_mm=(6.0, 6.0, 6.0))
    sample = patches_sample(study, card, (8, 8, 8))
    scan = Scan.of(picture_of(study))
    seen = normalised(sampled(scan, canonical_grid(scan.grid, card), card.window_low), card)
    np.testing.assert_allclose(sample["grey"] / 255, seen, atol=0.5 / 255 + 1e-6)
    assert sample["labels"].shape == seen.shape


def test_a_lesion_keeps_its_place_and_volume_in_a_sample() -> None:
    builder = a_volume(
        (20, 40, 40), spacing_ijk_mm=(1.5, 1.5, 2.5), directions=rotation((1, 2, 3), 20)
    )
    centre = builder.grid.world((24, 17, 9))
    volume = builder.with_sphere(radius_mm=12, value_hu=40, centre_lps_mm=centre).build()
    x, y, z = (float(mm) for mm in centre)
    ball = LesionTruth(1, "smooth", (x, y, z), 12.0, 4 / 3 * np.pi * 12**3, 24.0)
    study = PhantomStudy(
        1, volume.stored, (volume.stored == 40).astype(np.uint8), volume.grid, (ball,)
    )
    card = replace(a_recipe("segment").card, spacing_ijk_mm=(2.0, 2.0, 2.0))
    labels = patches_sample(study, card, (8, 8, 8))["labels"]
    voxels = np.argwhere(labels == 1)
    assert len(voxels) * 8 == pytest.approx(ball.volume_mm3, rel=0.05)
    middle = canonical_grid(study.grid, card).world(voxels.mean(axis=0)[::-1])
    np.testing.assert_allclose(middle, centre, atol=0.5)


def test_a_sample_is_never_smaller_than_a_patch(study: PhantomStudy) -> None:
    card = replace(a_recipe("segment").card, spacing_ijk_mm=(8.0, 8.0, 8.0))
    sample = patches_sample(study, card, (64, 16, 72))
    assert sample["grey"].shape[0] == 64
    assert sample["grey"].shape[2] == 72
    assert sample["labels"].shape == sample["grey"].shape


def test_every_lesion_gives_several_views_with_its_kind(study: PhantomStudy) -> None:
    card = a_recipe("classify").card
    views, targets = lesion_views(study, card, np.random.default_rng(1))
    assert len(views) == len(targets) == VIEWS * len(study.lesions)
    kinds = [int(lesion.kind == "spiculated") for lesion in study.lesions for _ in range(VIEWS)]
    assert targets == kinds
    assert {view.shape for view in views} == {(1, *card.tile_kji)}


def test_outlines_are_drawn_anew_and_never_empty(study: PhantomStudy) -> None:
    mask = study.labels == 1
    for drawn in redrawn(mask, study, np.random.default_rng(2)):
        assert drawn.any()
        assert (drawn & mask).any()


def test_seeds_are_those_of_the_recipe_and_no_study_serves_twice() -> None:
    recipe = a_recipe("segment")
    seeds = recipe.seeds
    ticket = Ticket()
    groups = [
        [study.seed for study in studies]
        for studies in (
            training_studies(recipe, ticket),
            validation_studies(recipe, ticket),
            unseen_studies(recipe, ticket),
        )
    ]
    assert groups == [
        list(range(*limits)) for limits in (seeds.train, seeds.validation, seeds.test)
    ]
    flat = [seed for group in groups for seed in group]
    assert len(set(flat)) == len(flat)


def test_generating_stops_when_it_is_cancelled() -> None:
    ticket = Ticket()
    ticket.cancel()
    with pytest.raises(Cancelled):
        next(training_studies(a_recipe("segment"), ticket))


def test_a_generated_study_is_nobody_and_its_truth_fits() -> None:
    study = make_sample(3, shape_kji=(12, 24, 24))
    picture = picture_of(study)
    truth = truth_of(study, picture)
    assert picture.identity.series.modality == "CT"
    assert picture.identity.patient.name == "Phantom"
    np.testing.assert_array_equal(truth.labels, study.labels)


def test_bytes_hold_the_whole_range() -> None:
    np.testing.assert_array_equal(as_bytes(np.array([0, 0.5, 1], dtype=np.float32)), [0, 128, 255])
