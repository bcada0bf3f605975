"""Key object selections: which images somebody marked, and why (PS3.3 A.35.4, PS3.16 TID 2010)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from viewer.domain.volume import Picture
from viewer.errors import Unsupported
from viewer.exchange.dicom_parts import as_damaged, read_object
from viewer.exchange.sr_outline import outline_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_STORAGE = "1.2.840.10008.5.1.4.1.1.88.59"
_DESCRIPTION = "113012"


@dataclass(frozen=True, slots=True)
class KeySelection:
    """Why images were marked, in words, and the images as (SOP instance UID, frame); 0: all."""

    title: str
    description: str
    images: frozenset[tuple[str, int]]

    def slices_of(self, picture: Picture) -> tuple[int, ...]:
        """Return the images of ``picture`` that are marked, as slice numbers k, in order."""
        return tuple(
            k
            for k, one in enumerate(picture.identity.instances)
            if (one.sop_instance_uid, one.frame) in self.images
            or (one.sop_instance_uid, 0) in self.images
        )


def read_key_images(path: Path) -> KeySelection:
    """Return the selection in a key object.

    Raises
    ------
    InputRefused
        The file cannot be read.
    Damaged
        It is cut short.
    Unsupported
        It is no key object selection.
    """
    path = Path(path)
    dataset = read_object(path)
    with as_damaged(path.name):
        if str(dataset.get("SOPClassUID")) != _STORAGE:
            raise Unsupported("This is no key object selection.", where=path.name)
        return KeySelection(
            outline_of(dataset).title, " ".join(_descriptions(dataset)), frozenset(_images(dataset))
        )


def _items(dataset: "Dataset", kind: str) -> Iterator["Dataset"]:
    for item in dataset.get("ContentSequence") or []:
        if str(item.get("ValueType") or "") == kind:
            yield item


def _descriptions(dataset: "Dataset") -> Iterator[str]:
    for item in _items(dataset, "TEXT"):
        name = item.get("ConceptNameCodeSequence")
        if name and str(name[0].get("CodeValue") or "") == _DESCRIPTION:
            yield " ".join(str(item.get("TextValue") or "").split())


def _images(dataset: "Dataset") -> Iterator[tuple[str, int]]:
    for item in _items(dataset, "IMAGE"):
        for reference in item.get("ReferencedSOPSequence") or []:
            uid = str(reference.get("ReferencedSOPInstanceUID") or "")
            frames = reference.get("ReferencedFrameNumber")
            if frames is None:
                yield uid, 0
            else:
                several = [frames] if isinstance(frames, (int, str)) else frames
                yield from ((uid, int(frame)) for frame in several)
