"""Which reader takes which kind of file that is a picture by itself."""

from collections.abc import Mapping

from viewer.intake.beside import DataFile
from viewer.intake.reading import Opened
from viewer.intake.recognise import Kind
from viewer.intake.source import PictureSource

_PHOTOS = frozenset((Kind.PNG, Kind.JPEG, Kind.TIFF))
_MGH = frozenset((Kind.MGH, Kind.MGH_GZIPPED))
_NIFTI = frozenset((Kind.NIFTI, Kind.NIFTI_GZIPPED))
PICTURE_FILES = _PHOTOS | _MGH | _NIFTI | {Kind.NRRD, Kind.METAIMAGE, Kind.ANALYZE}


def pictures_of_file(
    opened: Opened, known: Mapping[str, str]
) -> tuple[list[PictureSource], DataFile | None]:
    """Return the pictures of a file of one of ``PICTURE_FILES``, and its data file if it has one.

    ``known`` takes what the ledger calls a file to its path. Raises what the readers raise.
    """
    found, size = opened.found, opened.size
    if opened.kind is Kind.NRRD:
        from viewer.intake.nrrd import nrrd_pictures

        return nrrd_pictures(found, size, known)
    if opened.kind is Kind.METAIMAGE:
        from viewer.intake.metaimage import metaimage_pictures

        return metaimage_pictures(found, size, known)
    if opened.kind is Kind.ANALYZE:
        from viewer.intake.analyze import analyze_pictures

        return analyze_pictures(found, opened.head, known)
    if opened.kind in _PHOTOS:
        from viewer.intake.photo import photo_pictures

        return photo_pictures(found, size, opened.kind), None
    if opened.kind in _MGH:
        from viewer.intake.mgh import mgh_pictures

        is_gzipped = opened.kind is Kind.MGH_GZIPPED
        return mgh_pictures(found, size, is_gzipped=is_gzipped), None
    from viewer.intake.nifti import nifti_pictures

    is_gzipped = opened.kind is Kind.NIFTI_GZIPPED
    return nifti_pictures(found, size, known, is_gzipped=is_gzipped)
