"""Files that were cut, flipped and mixed: every one gets a fate, none a traceback."""

from pathlib import Path

import numpy as np
import pytest

from viewer.domain.ledger import Outcome
from viewer.errors import ViewerError
from viewer.intake.decode import allocate, decode, thumbnail
from viewer.intake.scan import scan
from viewer.jobs.job import Ticket

_SMALL = 400_000
_VICTIMS = (
    "dicom/pydicom/CT_small.dcm",
    "dicom/pydicom/MR_small_RLE.dcm",
    "dicom/pydicom/MR_small_bigendian.dcm",
    "dicom/pydicom/image_dfl.dcm",
    "dicom/pydicom/SC_rgb_small_odd_jpeg.dcm",
    "dicom/pydicom_data/emri_small_jpeg_2k_lossless.dcm",
    "dicom/pydicom_data/emri_small_jpeg_ls_lossless.dcm",
    "dicom/pydicom/dicomdirtests/DICOMDIR",
    "geometry/dicom2nifti/hyperfine/anatomical/001",
    "geometry/volumes_nibabel/anatomical.nii",
)


def _victims(shared_data: Path) -> list[Path]:
    found = []
    for name in _VICTIMS:
        path = shared_data / name
        files = [path] if path.is_file() else sorted(path.glob("*"))[:1]
        found += [file for file in files if file.stat().st_size < _SMALL]
    return found


def _hurt(content: bytes, rng: np.random.Generator) -> bytes:
    """Return ``content`` cut, with flipped bytes (most of them in the header), or with a hole."""
    hurt = bytearray(content)
    how = rng.integers(0, 4)
    if how == 0:
        return bytes(hurt[: rng.integers(1, len(hurt))])
    if how == 1:
        at = int(rng.integers(0, len(hurt)))
        return bytes(hurt[:at] + hurt[at + int(rng.integers(1, 64)) :])
    reach = min(len(hurt), 3000) if how == 2 else len(hurt)
    for at in rng.integers(0, reach, 12):
        hurt[at] = rng.choice([0, 1, 127, 255, int(rng.integers(0, 256))])
    return bytes(hurt)


def _opened(path: Path) -> None:
    found = scan([path])
    assert str(path) in {fate.path for fate in found.ledger.fates}
    for fate in found.ledger.refused:
        assert fate.reason.endswith(".")
    for source in found.pictures[:3]:
        if source.n_bytes > 50_000_000:
            continue
        try:
            picture = allocate(source)
        except ViewerError:
            continue
        fates = decode(source, picture, Ticket())
        assert bool(fates) == (not picture.is_loaded)
        assert found.with_refused(fates).ledger.n_files == found.ledger.n_files
        thumbnail(source)


@pytest.mark.parametrize("seed", range(12))
def test_hurt_files_have_a_fate(shared_data: Path, tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    victims = _victims(shared_data)
    assert len(victims) >= 8
    for number, victim in enumerate(victims):
        path = tmp_path / f"{number}"
        path.write_bytes(_hurt(victim.read_bytes(), rng))
        _opened(path)


@pytest.mark.parametrize("seed", range(6))
def test_a_series_with_files_lost_cut_doubled_and_mixed_balances(
    shared_data: Path, tmp_path: Path, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    folders = ("STS_002/CT/image", "STS_002/PET/image")
    files = [
        path
        for folder in folders
        for path in sorted((shared_data / "ibsi/ibsi_validation/dicom" / folder).iterdir())[:20]
    ]
    n_files = 0
    for number, path in enumerate(files):
        what = rng.choice(
            ["keep", "lose", "cut", "double", "empty"], p=[0.7, 0.1, 0.08, 0.07, 0.05]
        )
        content = path.read_bytes()
        if what == "lose":
            continue
        if what == "cut":
            content = content[: rng.integers(1, len(content))]
        for turn in range(2 if what == "double" else 1):
            n_files += 1
            (tmp_path / f"{number}-{turn}").write_bytes(b"" if what == "empty" else content)
    found = scan([tmp_path])
    ledger = found.ledger
    assert ledger.n_files == n_files
    assert n_files == sum(ledger.count(outcome) for outcome in Outcome)
    in_pictures = {
        instance.path for source in found.pictures for instance in source.identity.instances
    }
    used = {fate.path for fate in ledger.fates if fate.outcome is not Outcome.REFUSED}
    doubled = {fate.path for fate in ledger.fates if fate.reason.startswith("The same image")}
    assert in_pictures == used - doubled
