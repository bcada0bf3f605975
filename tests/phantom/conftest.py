"""Two small studies of the same patient, made once: straight and oblique."""

import pytest

from viewer.phantom.chest import PhantomStudy, make_chest

SMALL = (32, 64, 64)
SPACING_IJK_MM = (371 / 64, 371 / 64, 275 / 32)


@pytest.fixture(scope="session")
def straight() -> PhantomStudy:
    """Return the study of seed 1 along the patient's axes."""
    return make_chest(1, shape_kji=SMALL, spacing_ijk_mm=SPACING_IJK_MM)


@pytest.fixture(scope="session")
def oblique() -> PhantomStudy:
    """Return the same patient, taken tilted by 25 degrees."""
    return make_chest(1, shape_kji=SMALL, spacing_ijk_mm=SPACING_IJK_MM, oblique_deg=25)
