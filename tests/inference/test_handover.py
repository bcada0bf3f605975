"""Voxels are handed over privately and leave nothing behind."""

import json
import stat
import subprocess
import sys

import numpy as np
import pytest

from viewer import places
from viewer.errors import BackendLost
from viewer.inference.handover import Handover, Scan, mapped, scan_from, scan_header
from viewer.testing.builders import a_volume


def test_an_array_arrives_and_its_file_is_private_and_gone_afterwards() -> None:
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    handover = Handover()
    with handover.lend(array) as lent:
        (file,) = handover.folder.iterdir()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(handover.folder.stat().st_mode) == 0o700
        np.testing.assert_array_equal(mapped(lent), array)
    assert not list(handover.folder.iterdir())
    handover.close()
    assert not handover.folder.exists()


def test_a_view_with_strides_arrives_in_order() -> None:
    array = np.arange(24).reshape(2, 3, 4)[:, ::-1, ::2]
    handover = Handover()
    with handover.lend(array) as lent:
        np.testing.assert_array_equal(mapped(lent), array)
    handover.close()


def test_what_a_program_that_died_left_behind_is_deleted_at_the_next_start() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = places.cache_folder() / "handover" / f"{ended.pid}-0123"
    left.mkdir(parents=True)
    (left / "voxels").write_bytes(b"1")
    first = Handover()
    second = Handover()
    assert not left.exists()
    assert first.folder.exists()
    first.close()
    second.close()


def test_nothing_that_identifies_a_person_is_in_what_is_sent() -> None:
    picture = a_volume().build()
    scan = Scan.of(picture)
    sent = json.dumps(scan_header(scan))
    identity = picture.identity
    for secret in (
        identity.patient.name,
        identity.patient.id,
        identity.patient.birth_date,
        identity.study.uid,
        identity.study.date,
        identity.study.institution,
        identity.series.uid,
        identity.instances[0].sop_instance_uid,
        picture.key,
    ):
        assert secret
        assert secret not in sent


def test_a_scan_is_the_same_on_the_other_side() -> None:
    picture = a_volume(spacing_ijk_mm=(0.7, 0.8, 2.5), origin_lps_mm=(1, 2, 3)).build()
    scan = Scan.of(picture)
    again = scan_from(json.loads(json.dumps(scan_header(scan))), scan.stored)
    assert again.grid == scan.grid
    assert again.modality == "CT"
    np.testing.assert_array_equal(again.quantity.slope_k, scan.quantity.slope_k)


def test_a_file_that_is_gone_is_a_lost_worker() -> None:
    lent = {"path": "/nonexistent/voxels", "shape": [1, 1, 1], "dtype": "<i2"}
    with pytest.raises(BackendLost):
        mapped(lent)
