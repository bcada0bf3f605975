"""What must hold of every file, however spoilt: a fate, in time, in little memory, in plain words."""

import json
import resource
import time
from pathlib import Path
from unicodedata import category

from viewer.command_line.studies import scan_document
from viewer.domain.ledger import Outcome
from viewer.errors import ViewerError
from viewer.intake.decode import allocate, decode, thumbnail
from viewer.intake.scan import Scan, scan
from viewer.jobs.job import Ticket

LIMIT_S = 5.0
_MOST_BYTES = 400 * 1024 * 1024
_DECODED_BYTES = 30_000_000


def accounted(path: Path) -> Scan:
    """Scan and decode ``path``; raise unless everything holds that must hold."""
    begun, before = time.monotonic(), _peak_bytes()
    found = scan([path])
    balanced(found)
    assert path.is_dir() or str(path) in {fate.path for fate in found.ledger.fates}
    json.dumps(scan_document(found), allow_nan=False)
    for source in found.pictures[:3]:
        _decoded(found, source.key)
    assert time.monotonic() - begun < LIMIT_S
    assert _peak_bytes() - before < _MOST_BYTES
    return found


def balanced(found: Scan) -> None:
    """Raise unless every file has one fate, and every refusal a sentence and a remedy."""
    ledger = found.ledger
    assert ledger.n_files == len(ledger.fates) == len({fate.path for fate in ledger.fates})
    assert ledger.n_files == sum(ledger.count(outcome) for outcome in Outcome)
    for fate in ledger.refused:
        assert fate.reason.endswith("."), fate
        assert fate.hint, fate
        assert "Error" not in fate.reason, fate
        assert is_plain(fate.reason), fate
    for picture in found.pictures:
        for text in (picture.title, *(finding.text for finding in picture.findings)):
            assert is_plain(text), text


def _decoded(found: Scan, key: str) -> None:
    source = next(picture for picture in found.pictures if picture.key == key)
    try:
        picture = allocate(source) if source.n_bytes < _DECODED_BYTES else None
    except ViewerError:
        return
    if picture is None:
        return
    fates = decode(source, picture, Ticket())
    assert bool(fates) == (not picture.is_loaded)
    assert all(is_plain(fate.reason) for fate in fates), fates
    assert found.with_refused(fates).ledger.n_files == found.ledger.n_files
    thumbnail(source)


def is_plain(text: str) -> bool:
    """Whether text neither steers a terminal, nor breaks a line, nor turns reading round."""
    turning = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    return not any(category(c) in ("Cc", "Cs", "Zl", "Zp") or c in turning for c in text)


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
