"""Look through folders, files, archives and DICOMDIRs; every file gets its fate."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from viewer.domain.ledger import Fate, LoadLedger, Outcome
from viewer.errors import Damaged, InputRefused, ViewerError
from viewer.intake import tags
from viewer.intake.archive import gunzipped, unpacked
from viewer.intake.build import pictures_of
from viewer.intake.dicomdir import referenced_files
from viewer.intake.find import Found, find_files
from viewer.intake.formats import PICTURE_FILES, pictures_of_file
from viewer.intake.frames import Frame, frames_of
from viewer.intake.header import Header
from viewer.intake.layer_files import layer_file, layer_reason
from viewer.intake.layout import pixel_file
from viewer.intake.objects import DICOMDIR, layer_kind, why_not_drawn
from viewer.intake.reading import Opened, opened_files
from viewer.intake.recognise import Kind
from viewer.intake.source import DicomPixels, LayerFile, PictureSource, Scan
from viewer.jobs.job import Ticket

__all__ = ["LayerFile", "PictureSource", "Scan", "require_pictures", "scan"]

_LEAVE_OUT = "Leave it out; nothing else is affected."
_MAX_DEPTH = 1  # an archive within an archive is not opened


def scan(paths: Sequence[Path], ticket: Ticket | None = None) -> Scan:
    """Return what ``paths`` hold: pictures, layers, and the account of every file.

    Raises
    ------
    InputRefused
        A path does not exist. (Unusable files do not raise: the ledger names them.)
    """
    survey = _Survey(ticket)
    for item in find_files([Path(path) for path in paths], ticket):
        if isinstance(item, Fate):
            survey.settle(item)
        else:
            survey.files.append(item)
    survey.known.update(found.path for found in survey.files)
    survey.look_into(tuple(survey.files))
    return survey.result()


def require_pictures(found: Scan, where: str) -> None:
    """Raise ``InputRefused`` with one sentence when the scan holds no picture."""
    if found.pictures:
        return
    refused = found.ledger.refused
    if len(refused) == 1:
        raise InputRefused(
            refused[0].reason, where=refused[0].path, remedy=refused[0].hint or _LEAVE_OUT
        )
    n_files = found.ledger.n_files
    raise InputRefused(
        f"No image was found in {n_files} file{'' if n_files == 1 else 's'}.",
        where=where,
        remedy="Choose a folder with DICOM or NIfTI images.",
    )


@dataclass
class _Survey:
    """Gathers fates, frames and layers while files are looked into."""

    ticket: Ticket | None
    files: list[Found] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    fates: dict[str, Fate] = field(default_factory=dict)
    series: dict[str, list[Frame]] = field(default_factory=dict)
    instances: dict[str, str] = field(default_factory=dict)
    layers: list[LayerFile] = field(default_factory=list)
    pictures: list[PictureSource] = field(default_factory=list)
    paths: dict[str, str] = field(default_factory=dict)
    data_files: list[Fate] = field(default_factory=list)

    def settle(self, fate: Fate) -> None:
        """Give a file its fate; the first one holds."""
        self.fates.setdefault(fate.path, fate)

    def _refuse(self, shown: str, error: ViewerError) -> None:
        self.settle(Fate(shown, Outcome.REFUSED, "", error.what, error.remedy))

    def look_into(self, files: Iterable[Found], depth: int = 0) -> None:
        """Read ``files`` and sort them by what they are."""
        files = tuple(files)
        self.paths.update((found.shown, found.path) for found in files)
        further: list[Found] = []
        for opened in opened_files(files, self.ticket):
            try:
                further += self._take(opened, depth)
            except ViewerError as error:
                self._refuse(opened.found.shown, error)
            except OSError as error:
                reason = f"The file cannot be read ({error.strerror or 'input/output error'})."
                gone = InputRefused(reason, remedy="Check that it is still there.")
                self._refuse(opened.found.shown, gone)
            except (struct.error, ValueError, IndexError, OverflowError) as error:
                broken = Damaged(
                    f"The header cannot be used ({type(error).__name__}).",
                    remedy="Copy the file again from its source.",
                )
                self._refuse(opened.found.shown, broken)
        if further:
            self.look_into(further, depth + 1)

    def _take(self, opened: Opened, depth: int) -> list[Found]:
        """Sort one file; return files that it leads to."""
        found = opened.found
        if opened.refusal is not None:
            raise opened.refusal
        if opened.kind is Kind.ZIP:
            return self._take_archive(found, depth)
        if opened.kind is Kind.DICOM_GZIPPED:
            return [gunzipped(found.path, found.shown)]
        if opened.kind in PICTURE_FILES:
            self._take_file(opened)
        elif opened.header is not None:
            return self._take_dicom(opened, opened.header)
        return []

    def _take_archive(self, found: Found, depth: int) -> list[Found]:
        if depth >= _MAX_DEPTH:
            raise InputRefused(
                "A ZIP archive within another one is not opened.", remedy="Unpack it by hand."
            )
        inside = unpacked(found.path, found.shown, self.ticket)
        reason = f"An archive of {len(inside)} files, which are listed by themselves."
        self.settle(Fate(found.shown, Outcome.GROUPED, "", reason))
        return inside

    def _take_file(self, opened: Opened) -> None:
        pictures, data = pictures_of_file(opened, self.paths)
        self.pictures += pictures
        key = pictures[0].key
        self.settle(Fate(opened.found.shown, Outcome.SHOWN, key))
        if data is not None:
            reason = f"The pixels of {Path(opened.found.shown).name}."
            self.data_files.append(Fate(data.found.shown, Outcome.GROUPED, key, reason))

    def _take_dicom(self, opened: Opened, header: Header) -> list[Found]:
        found = opened.found
        sop_class = header.text(tags.SOP_CLASS_UID) or header.media_class
        if sop_class == DICOMDIR or tags.DIRECTORY_RECORD_SEQUENCE in header:
            return self._take_directory(found, header)
        kind = layer_kind(sop_class)
        if kind:
            self._take_layer(found, header, kind, sop_class)
            return []
        if header.pixel is None:
            raise InputRefused(why_not_drawn(sop_class), remedy=_LEAVE_OUT)
        self._take_image(opened, header)
        return []

    def _take_directory(self, found: Found, header: Header) -> list[Found]:
        further, absent = referenced_files(header, found.path, found.shown, self.known)
        self.known.update(item.path for item in further)
        for fate in absent:
            self.settle(fate)
        reason = "The DICOMDIR: the list of contents of a medium."
        self.settle(Fate(found.shown, Outcome.GROUPED, "", reason))
        return further

    def _take_layer(self, found: Found, header: Header, kind: str, sop_class: str) -> None:
        layer = layer_file(found.path, kind, sop_class, header)
        self.layers.append(layer)
        reason = layer_reason(layer)
        self.settle(
            Fate(found.shown, Outcome.GROUPED, header.text(tags.SERIES_INSTANCE_UID), reason)
        )

    def _take_image(self, opened: Opened, header: Header) -> None:
        found = opened.found
        file = pixel_file(header, found.path, found.shown, opened.starts_with_item)
        twin = self.instances.get(file.sop_instance_uid) if file.sop_instance_uid else None
        series_uid = header.text(tags.SERIES_INSTANCE_UID) or _own_uid(found)
        if twin is not None:
            reason = f"The same image as {Path(twin).name}."
            self.settle(Fate(found.shown, Outcome.GROUPED, series_uid, reason))
            return
        frames = frames_of(header, file)
        self.instances[file.sop_instance_uid] = found.shown
        self.series.setdefault(series_uid, []).extend(frames)

    def result(self) -> Scan:
        """Build the pictures, and close the books."""
        for series_uid, frames in self.series.items():
            try:
                found = pictures_of(series_uid, frames)
            except ViewerError as error:
                for frame in frames:
                    self._refuse(frame.file.shown, error)
                continue
            self.pictures += found
            for picture in found:
                self._settle_picture(picture)
        for fate in self.data_files:  # seen without its header, a data file was refused
            if self.fates.get(fate.path, fate).outcome is Outcome.REFUSED:
                del self.fates[fate.path]
            self.settle(fate)
        ledger = LoadLedger(len(self.fates), tuple(self.fates.values()))
        return Scan(ledger, tuple(self.pictures), tuple(self.layers))

    def _settle_picture(self, picture: PictureSource) -> None:
        assert isinstance(picture.pixels, DicomPixels)  # noqa: S101 - the others are settled at once
        outcome = Outcome.SHOWN
        for address in picture.pixels.frames:
            if address.file.shown not in self.fates:
                self.settle(Fate(address.file.shown, outcome, picture.key))
                outcome = Outcome.GROUPED


def _own_uid(found: Found) -> str:
    """Return a stable key for a file without a series: it stands for itself."""
    from hashlib import sha256

    return f"2.25.{int.from_bytes(sha256(found.shown.encode()).digest()[:15], 'big')}"
