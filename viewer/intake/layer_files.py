"""What a layer says about itself: its title, and the images that it was made on."""

from collections.abc import Iterable

from viewer.intake import tags
from viewer.intake.header import Elements
from viewer.intake.objects import layer_name
from viewer.intake.source import LayerFile

_DOCUMENTS = frozenset({"SR", "PDF", "KO"})
_LONGEST_TITLE = 100


def layer_file(path: str, kind: str, sop_class_uid: str, header: Elements) -> LayerFile:
    """Return the layer that a header describes."""
    direct = header.items(tags.REFERENCED_SERIES_SEQUENCE)
    frames = [header.text(tags.FRAME_OF_REFERENCE_UID)]
    series = [item.text(tags.SERIES_INSTANCE_UID) for item in direct]
    for tag in tags.EVIDENCE_SEQUENCES:
        for study in header.items(tag):
            series += _series_of(study.items(tags.REFERENCED_SERIES_SEQUENCE))
    for frame in header.items(tags.REFERENCED_FRAME_OF_REFERENCE_SEQUENCE):
        frames.append(frame.text(tags.FRAME_OF_REFERENCE_UID))
        for study in frame.items(tags.RT_REFERENCED_STUDY_SEQUENCE):
            series += _series_of(study.items(tags.RT_REFERENCED_SERIES_SEQUENCE))
    return LayerFile(
        path,
        kind,
        sop_class_uid,
        direct[0].text(tags.SERIES_INSTANCE_UID) if direct else "",
        frozenset(series) - {""},
        frozenset(frames) - {""},
        _title(header),
    )


def _series_of(items: Iterable[Elements]) -> list[str]:
    return [item.text(tags.SERIES_INSTANCE_UID) for item in items]


def _title(header: Elements) -> str:
    concept = header.first(tags.CONCEPT_NAME_CODE_SEQUENCE).text(tags.CODE_MEANING)
    stated = (
        header.text(tags.DOCUMENT_TITLE),
        header.text(tags.STRUCTURE_SET_LABEL),
        header.text(tags.CONTENT_LABEL),
        concept,
        header.text(tags.SERIES_DESCRIPTION),
    )
    found = next((text for text in stated if text.strip()), "")
    return " ".join(found.split())[:_LONGEST_TITLE]


def layer_reason(layer: LayerFile) -> str:
    """Return the ledger's sentence on a layer."""
    name = layer_name(layer.kind)
    article = "An" if name[:1] in "aeiou" else "A"
    quoted = f' "{layer.title}"' if layer.title else ""
    where = "beside" if layer.kind in _DOCUMENTS else "on"
    what = "a document" if layer.kind in _DOCUMENTS else "a layer"
    return f"{article} {name}{quoted}: {what} that lies {where} images."
