"""Every file gets its fate; bad input is named in one sentence and hurts nothing else."""

import os
import threading
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.intake.writing import SERIES, a_series, a_slice, an_item, pixels_of, saved
from viewer.domain.finding import Severity
from viewer.domain.ledger import Fate, Outcome
from viewer.errors import InputRefused
from viewer.intake.decode import load
from viewer.intake.find import Found, find_files
from viewer.intake.reading import opened_files, read_head
from viewer.intake.scan import require_pictures, scan
from viewer.jobs.job import Cancelled, Ticket

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def fate_of(path: Path, folder: Path | None = None) -> Fate:
    found = scan([folder or path])
    return next(fate for fate in found.ledger.fates if fate.path == str(path))


def test_a_series_is_one_volume_and_the_ledger_balances(tmp_path: Path) -> None:
    a_series(tmp_path, 5)
    found = scan([tmp_path])
    assert found.ledger.line() == "5 files = 1 shown + 4 grouped + 0 refused"
    (picture,) = found.pictures
    assert picture.key == SERIES
    assert picture.is_volume
    assert picture.shape_kji == (5, 6, 8)
    assert picture.n_files == 5
    assert picture.title == "CT written"
    assert [i.number for i in picture.identity.instances] == [1, 2, 3, 4, 5]
    assert picture.identity.patient.name == "Test^Intake"


def test_names_and_places_of_files_do_not_matter(tmp_path: Path) -> None:
    a_series(tmp_path / "a", 2, name="x.txt.")
    for k in (2, 3, 4):
        saved(a_slice(k), tmp_path / f"IM{9 - k}.jpg")
    (picture,) = scan([tmp_path]).pictures
    assert picture.shape_kji[0] == 5
    stored = load(picture).stored
    assert stored[:, 0, 0].tolist() == [0, 1000, 2000, 3000, 4000]


def test_a_file_given_twice_is_counted_once(tmp_path: Path) -> None:
    paths = a_series(tmp_path, 2)
    assert scan([tmp_path, *paths]).ledger.n_files == 2


def test_the_same_image_twice_is_grouped_and_says_so(tmp_path: Path) -> None:
    a_series(tmp_path, 3)
    twin = saved(a_slice(1), tmp_path / "zz")
    fate = fate_of(twin, tmp_path)
    assert fate.outcome is Outcome.GROUPED
    assert fate.reason == "The same image as s001."
    assert scan([tmp_path]).pictures[0].shape_kji[0] == 3


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "empty (0 bytes)"),
        (b"Dear colleague,\nplease find enclosed", "a text file"),
        (b'{"a": 1}', "a text file"),
        (b"GIF89a" + bytes(300), "a GIF picture"),
        (b"%PDF-1.7 " + bytes(300), "a PDF document"),
        (bytes(range(256)) * 4, "not a format that is known here"),
        (b"\0" * 128 + b"DICM", "ends"),
        (b"\x08", "not a format that is known here"),
    ],
)
def test_a_file_that_is_no_image_is_refused_with_its_reason(
    tmp_path: Path, content: bytes, part: str
) -> None:
    a_series(tmp_path, 2)
    other = tmp_path / "other.dcm"
    other.write_bytes(content)
    found = scan([tmp_path])
    (fate,) = found.ledger.refused
    assert part in fate.reason
    assert fate.reason.count(".") == 1
    assert fate.hint
    assert found.pictures[0].shape_kji[0] == 2


def test_a_folder_without_any_image_is_refused_by_those_who_need_one(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("nothing")
    found = scan([tmp_path])
    assert found.ledger.line() == "2 files = 0 shown + 0 grouped + 2 refused"
    with pytest.raises(InputRefused) as refusal:
        require_pictures(found, "study")
    assert refusal.value.what == "No image was found in 2 files."
    assert refusal.value.where == "study"
    assert refusal.value.remedy


def test_a_single_bad_file_is_refused_by_its_own_reason(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(InputRefused, match="empty"):
        require_pictures(scan([tmp_path]), "study")


def test_a_scan_with_a_picture_is_enough_whatever_lies_beside_it(tmp_path: Path) -> None:
    a_series(tmp_path, 1)
    (tmp_path / "other").write_bytes(b"")
    found = scan([tmp_path])
    require_pictures(found, "study")
    assert (len(found.pictures), len(found.ledger.refused)) == (1, 1)


def test_a_path_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="no such file"):
        scan([tmp_path / "nothing"])


def test_a_truncated_file_says_how_much_of_it_is_there(tmp_path: Path) -> None:
    a_series(tmp_path, 3)
    path = tmp_path / "s001"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) - 48])
    found = scan([tmp_path])
    (fate,) = found.ledger.refused
    assert fate.reason == "The file is cut off after 50 % of its pixels."
    assert found.ledger.n_files == 3


def test_a_claim_of_gigabytes_is_refused_without_allocating_them(tmp_path: Path) -> None:
    dataset = a_slice(0)
    dataset.Rows = dataset.Columns = 65535
    path = saved(dataset, tmp_path / "a")
    assert fate_of(path).reason == "The file is cut off after 0 % of its pixels."


@pytest.mark.parametrize(
    ("keyword", "value", "part"),
    [
        ("Rows", 0, "rows and columns"),
        ("BitsAllocated", 24, "24 bits"),
        ("BitsStored", 17, "17 of 16 bits"),
        ("SamplesPerPixel", 4, "4 samples"),
    ],
)
def test_a_header_that_contradicts_itself_is_refused(
    tmp_path: Path, keyword: str, value: int, part: str
) -> None:
    dataset = a_slice(0)
    setattr(dataset, keyword, value)
    assert part in fate_of(saved(dataset, tmp_path / "a")).reason


def test_frames_that_are_there_in_full_are_shown_of_a_truncated_film(tmp_path: Path) -> None:
    dataset = a_slice(0, modality="US")
    dataset.NumberOfFrames = 4
    dataset.PixelData = np.concatenate([pixels_of(k) for k in range(4)]).tobytes()[:-50]
    (picture,) = scan([saved(dataset, tmp_path / "a")]).pictures
    assert picture.shape_kji[0] == 3
    assert "1 of its last frames are missing" in picture.findings[-1].text
    assert load(picture).stored[:, 0, 0].tolist() == [0, 1000, 2000]


def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    a_series(tmp_path, 2)
    (tmp_path / "locked").mkdir()

    def list_folder(folder: str) -> list[os.DirEntry[str]]:
        if folder.endswith("locked"):
            raise PermissionError
        with os.scandir(folder) as entries:
            return list(entries)

    items = list(find_files([tmp_path], list_folder=list_folder))
    (refused,) = [item for item in items if isinstance(item, Fate)]
    assert refused.path == str(tmp_path / "locked")
    assert refused.reason == "The folder cannot be opened: permission is denied."
    assert refused.hint


def test_a_file_without_permission_is_named(tmp_path: Path) -> None:
    def read(path: str, _n_bytes: int) -> tuple[bytes, int]:
        raise PermissionError(path)

    (opened,) = opened_files([Found("/x", "/x")], read=read)
    assert opened.refusal is not None
    assert "permission is denied" in opened.refusal.what


def test_a_slow_disk_is_read_by_several_threads(tmp_path: Path) -> None:
    paths = a_series(tmp_path, 2)
    readers: set[str] = set()

    def read(path: str, n_bytes: int) -> tuple[bytes, int]:
        readers.add(threading.current_thread().name)
        threading.Event().wait(0.005)
        return read_head(path, n_bytes)

    files = [Found(str(paths[n % 2]), str(n)) for n in range(80)]
    opened = list(opened_files(files, read=read))
    assert [item.found.shown for item in opened] == [str(n) for n in range(80)]
    assert all(item.header is not None for item in opened)
    assert len(readers) > 1


def test_links_in_circles_end_and_dead_links_are_named(tmp_path: Path) -> None:
    a_series(tmp_path / "a", 2)
    (tmp_path / "a" / "round").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "dead").symlink_to(tmp_path / "nothing")
    found = scan([tmp_path])
    assert found.ledger.n_files == 3
    assert found.ledger.refused[0].reason == "The link leads nowhere."


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "pipe" in scan([tmp_path]).ledger.refused[0].reason


def test_a_cancelled_scan_stops(tmp_path: Path) -> None:
    a_series(tmp_path, 1)
    ticket = Ticket()
    ticket.cancel()
    with pytest.raises(Cancelled):
        scan([tmp_path], ticket)


@pytest.mark.parametrize(
    ("sop_class", "kind", "part"),
    [
        ("1.2.840.10008.5.1.4.1.1.66.4", "SEG", "segmentation"),
        ("1.2.840.10008.5.1.4.1.1.88.34", "SR", "structured report"),
        ("1.2.840.10008.5.1.4.1.1.88.59", "KO", "key object"),
        ("1.2.840.10008.5.1.4.1.1.11.1", "PR", "presentation state"),
        ("1.2.840.10008.5.1.4.1.1.481.3", "RTSTRUCT", "structure set"),
    ],
)
def test_layers_are_grouped_and_handed_on(
    tmp_path: Path, sop_class: str, kind: str, part: str
) -> None:
    dataset = a_slice(0)
    dataset.SOPClassUID = sop_class
    dataset.ReferencedSeriesSequence = [an_item(SeriesInstanceUID="1.2.3")]
    path = saved(dataset, tmp_path / "a")
    found = scan([path])
    (layer,) = found.layers
    assert (layer.kind, layer.path, layer.referenced_series_uid) == (kind, str(path), "1.2.3")
    assert part in found.ledger.fates[0].reason
    assert found.ledger.fates[0].outcome is Outcome.GROUPED
    assert not found.pictures


@pytest.mark.parametrize(
    ("sop_class", "sentence"),
    [
        ("1.2.840.10008.5.1.4.1.1.9.1.1", "The 12-lead ECG holds no image that can be drawn."),
        ("1.2.840.10008.5.1.4.1.1.2", "The CT image has no pixels in its file."),
        ("1.2.3.4", "The object of class 1.2.3.4 holds no image that can be drawn."),
    ],
)
def test_an_object_without_pixels_is_refused_by_its_name(
    tmp_path: Path, sop_class: str, sentence: str
) -> None:
    dataset = a_slice(0)
    dataset.SOPClassUID = sop_class
    del dataset.PixelData
    fate = fate_of(saved(dataset, tmp_path / "a"))
    assert fate.outcome is Outcome.REFUSED
    assert fate.reason == sentence


def test_a_dicomdir_leads_to_its_files_and_names_those_that_are_absent(
    shared_data: Path,
) -> None:
    absent = scan([shared_data / "codecs/wg04/DICOMDIR"]).ledger
    assert absent.count(Outcome.GROUPED) == 1
    assert len(absent.refused) == 109
    assert all(fate.reason.endswith("it is not there.") for fate in absent.refused)
    whole = scan([shared_data / "dicom/pydicom/dicomdirtests/DICOMDIR"])
    assert whole.ledger.line() == "32 files = 18 shown + 14 grouped + 0 refused"


@pytest.mark.parametrize("name", ["bigEnd", "implicit", "nooffset", "nopatient", "reordered"])
def test_every_kind_of_dicomdir_leads_to_the_same_files(shared_data: Path, name: str) -> None:
    found = scan([shared_data / f"dicom/pydicom/dicomdirtests/DICOMDIR-{name}"])
    assert found.ledger.count(Outcome.REFUSED) == 0
    assert found.ledger.n_files == 32


def test_a_dicomdir_cannot_lead_outside_of_its_folder(tmp_path: Path) -> None:
    secret = saved(a_slice(0), tmp_path / "SECRET")
    medium = tmp_path / "medium"
    medium.mkdir()
    record = an_item(DirectoryRecordType="IMAGE", ReferencedFileID=["XX", "SECRET"])
    directory = an_item(
        SOPClassUID="1.2.840.10008.1.3.10",
        SOPInstanceUID="1.2.3",
        DirectoryRecordSequence=[record],
    )
    path = saved(directory, medium / "DICOMDIR")
    path.write_bytes(path.read_bytes().replace(b"XX\\SECRET", b"..\\SECRET"))
    found = scan([path])
    assert not found.pictures
    assert "outside" in found.ledger.refused[0].reason
    assert secret.exists()


def test_a_folder_with_its_dicomdir_counts_each_file_once(shared_data: Path) -> None:
    folder = shared_data / "dicom/pydicom/dicomdirtests"
    found = scan([folder])
    assert found.ledger.n_files == len({fate.path for fate in found.ledger.fates})
    n_there = sum(path.is_file() for path in folder.rglob("*"))
    absent = [f for f in found.ledger.refused if "is not there" in f.reason]
    assert found.ledger.n_files == n_there + len(absent)


def test_the_ledger_can_be_amended_after_decoding(tmp_path: Path) -> None:
    a_series(tmp_path, 3)
    found = scan([tmp_path])
    broken = Fate(str(tmp_path / "s001"), Outcome.REFUSED, SERIES, "It is broken.")
    assert found.with_refused([broken]).ledger.line() == (
        "3 files = 1 shown + 1 grouped + 1 refused"
    )


def test_a_compressed_file_in_plain_words_is_read_as_plain(tmp_path: Path) -> None:
    dataset = a_slice(2)
    path = saved(dataset, tmp_path / "a")
    # Another syntax of the same length (RLE), so that nothing else moves.
    content = path.read_bytes()
    path.write_bytes(content.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0", 1))
    (picture,) = scan([path]).pictures
    assert np.array_equal(load(picture).stored[0], pixels_of(2))


def test_an_image_without_a_series_stands_for_itself(tmp_path: Path) -> None:
    for k in range(2):
        dataset = a_slice(k)
        del dataset.SeriesInstanceUID
        saved(dataset, tmp_path / f"{k}")
    first, second = scan([tmp_path]).pictures
    assert first.key != second.key
    assert first.key == scan([tmp_path]).pictures[0].key


def test_scanning_does_not_import_the_large_libraries(tmp_path: Path) -> None:
    import subprocess
    import sys

    a_series(tmp_path, 2)
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.write(tmp_path / "s000", "again")
    code = (
        "import sys; from pathlib import Path; from viewer.intake.scan import scan;"
        "from viewer.intake.decode import load;"
        "load(scan([Path(sys.argv[1])]).pictures[0]);"
        "print([m for m in ('pydicom','nibabel','imagecodecs','scipy','vtkmodules','PySide6')"
        " if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_findings_never_name_the_patient(tmp_path: Path) -> None:
    def change(dataset: "Dataset", k: int) -> None:
        dataset.ImagePositionPatient = [0.0, 0.0, (0.0, 1.0, 5.0, 7.0)[k]]

    a_series(tmp_path, 4, change=change)
    (picture,) = scan([tmp_path]).pictures
    assert picture.findings[0].severity is Severity.UNSAFE
    assert "Test" not in "".join(f.subject + f.text for f in picture.findings)
