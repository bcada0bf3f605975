"""Video streams inside DICOM: H.264, H.265 and MPEG-2, of clips made for these tests.

Each clip has 8 frames of 64 x 48: grey 40, 60, 80, ... with a red square that moves 4 pixels right.
"""

from pathlib import Path

import numpy as np
import pytest

from tests.intake.writing import an_item
from viewer.errors import Damaged
from viewer.intake.decode import load, thumbnail
from viewer.intake.scan import Scan, scan
from viewer.intake.video import is_video

CLIPS = Path(__file__).parent / "clips"
SYNTAXES = {
    "mpeg2.ts": "1.2.840.10008.1.2.4.100",
    "h264.ts": "1.2.840.10008.1.2.4.102",
    "h264.mp4": "1.2.840.10008.1.2.4.102",
    "hevc.mp4": "1.2.840.10008.1.2.4.107",
}
ENDOSCOPY = "1.2.840.10008.5.1.4.1.1.77.1.1.1"


def a_video(folder: Path, stream: bytes, syntax: str, *, n_frames: int = 8, rows: int = 48) -> Scan:
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID

    found = an_item(
        SOPClassUID=ENDOSCOPY,
        SOPInstanceUID="1.2.826.0.1.3680043.8.498.71",
        StudyInstanceUID="1.2.826.0.1.3680043.8.498.72",
        SeriesInstanceUID="1.2.826.0.1.3680043.8.498.73",
        Modality="ES",
        PatientName="Test^Video",
        PatientID="T-2",
        NumberOfFrames=n_frames,
        Rows=rows,
        Columns=64,
        SamplesPerPixel=3,
        PhotometricInterpretation="YBR_PARTIAL_420",
        PlanarConfiguration=0,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelRepresentation=0,
    )
    found.PixelData = encapsulate([stream + b"\0" * (len(stream) % 2)], has_bot=False)
    found["PixelData"].is_undefined_length = True
    from pydicom.dataset import FileMetaDataset

    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = UID(syntax)
    found.file_meta.MediaStorageSOPClassUID = UID(ENDOSCOPY)
    found.file_meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID
    found.save_as(folder / "video.dcm", enforce_file_format=True)
    return scan([folder])


def check_clip(stored: np.ndarray) -> None:
    assert stored.shape == (8, 48, 64, 3)
    for n, frame in enumerate(stored.astype(int)):
        # Lossy, and through luminance with half the chrominance.
        assert abs(frame[34:46, 2:60] - (40 + 20 * n)).mean() < 6, n
        red = frame[11:21, 11 + 4 * n : 21 + 4 * n].mean(axis=(0, 1))
        assert abs(red - (200, 60, 60)).max() < 25, n


@pytest.mark.parametrize("name", SYNTAXES)
def test_every_frame_of_a_clip_is_the_one_that_was_filmed(name: str, tmp_path: Path) -> None:
    found = a_video(tmp_path, (CLIPS / name).read_bytes(), SYNTAXES[name])
    assert not found.ledger.refused
    (source,) = found.pictures
    check_clip(load(source).stored)


def test_a_thumbnail_is_the_middle_frame(tmp_path: Path) -> None:
    found = a_video(tmp_path, (CLIPS / "h264.mp4").read_bytes(), SYNTAXES["h264.mp4"])
    assert thumbnail(found.pictures[0]).max() > 100


def test_frames_that_are_not_in_the_stream_are_named(tmp_path: Path) -> None:
    found = a_video(tmp_path, (CLIPS / "h264.ts").read_bytes(), SYNTAXES["h264.ts"], n_frames=11)
    picture = load(found.pictures[0])
    assert picture.loaded_k.tolist() == [True] * 8 + [False] * 3


@pytest.mark.parametrize(
    ("stream", "sentence"),
    [
        (b"\0" * 400, "cannot be decoded"),
        (
            b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n",
            "cannot be decoded",
        ),
        (b"ffconcat version 1.0\nfile '/etc/passwd'\n" * 4, "cannot be decoded"),
    ],
)
def test_what_is_no_stream_is_refused_in_words(
    stream: bytes, sentence: str, tmp_path: Path
) -> None:
    found = a_video(tmp_path, stream, SYNTAXES["h264.ts"])
    with pytest.raises(Damaged, match=sentence):
        load(found.pictures[0])


def test_another_size_than_the_header_says_is_refused(tmp_path: Path) -> None:
    found = a_video(tmp_path, (CLIPS / "h264.ts").read_bytes(), SYNTAXES["h264.ts"], rows=40)
    with pytest.raises(Damaged, match="another size"):
        load(found.pictures[0])


def test_video_is_told_by_its_syntax() -> None:
    prefix = "1.2.840.10008.1.2.4."
    assert all(is_video(f"{prefix}{n}") for n in range(100, 109))
    assert is_video(f"{prefix}102.1")
    assert not any(is_video(f"{prefix}{n}") for n in (50, 70, 90, 110, 201))
    assert not is_video("1.2.840.10008.1.2.1")
