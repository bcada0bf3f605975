"""The bar below: the ledger, what is saved, running jobs, device, memory, the disclaimer."""

import sys
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QWidget

from viewer.actions.backends import backend_text
from viewer.actions.context import Context, Notice
from viewer.errors import DISCLAIMER
from viewer.jobs.job import Progress
from viewer.window import theme
from viewer.window.controls import label

_SAID_MS = 8000


def memory_text() -> str:
    """Return the memory that this process holds, "" where the system does not tell."""
    if not sys.platform.startswith("linux"):
        return ""
    fields = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return f"{int(fields[1]) * 4096 / 1e9:.1f} GB"


class StatusBar(QWidget):
    """Quiet facts in one line."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self.setObjectName("bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(theme.BOTTOM_PX)
        self.ledger = label("", "good")
        self._saved = label("", "caption")
        self.said = label("", "caption")
        self._quiet = QTimer(self)
        self._quiet.setSingleShot(True)
        self._quiet.setInterval(_SAID_MS)
        self._quiet.timeout.connect(lambda: self.said.setText(""))
        self._job = label("", "caption")
        self._bar = QProgressBar()
        self._bar.setFixedWidth(90)
        self._bar.setTextVisible(False)
        self._left = label("", "caption")
        self._cancel = QPushButton("Cancel")
        self._cancel.setObjectName("quiet")
        self._cancel.setToolTip("Stop this work; nothing is changed by it")
        self._cancel.clicked.connect(self._cancel_job)
        self._device = label("", "caption")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(14)
        for widget in (self.ledger, self._saved, self._job, self._bar, self._left, self._cancel):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.said)
        row.addWidget(self._device)
        row.addWidget(label("Not for primary diagnosis", "caption", tip=DISCLAIMER))
        self.refresh()

    def say(self, notice: Notice) -> None:
        """Say for a while what went well; the details are its tool tip."""
        self.said.setText(notice.text)
        self.said.setToolTip(notice.details)
        self._quiet.start()

    def refresh(self) -> None:
        """Follow ledger, journal and jobs."""
        ledger = self._context.pictures.ledger
        self.ledger.setText(ledger.line() if ledger.n_files else "No files open")
        self.ledger.setObjectName("warning" if ledger.refused else "good")
        self.ledger.style().polish(self.ledger)
        journal = self._context.session.journal
        age_s = 0.0 if journal is None else journal.saved_age_s
        self._saved.setText("saved" if age_s < 1 else f"saved {age_s:.0f} s ago")
        self._device.setText(" · ".join(filter(None, (backend_text(self._context), memory_text()))))
        self._show_job()

    def _show_job(self) -> None:
        jobs = [job for job in self._context.jobs.active if job.title]
        shown = bool(jobs)
        for widget in (self._job, self._bar, self._left, self._cancel):
            widget.setVisible(shown)
        if not jobs:
            return
        job = jobs[-1]
        progress: Progress = job.progress
        more = f" (+{len(jobs) - 1})" if len(jobs) > 1 else ""
        self._job.setText(f"{job.title}{more}")
        if progress.fraction is None:
            self._bar.setRange(0, 0)
        else:
            self._bar.setRange(0, 1000)
            self._bar.setValue(round(progress.fraction * 1000))
        left = progress.remaining_s
        self._left.setText(f"{left:.0f} s left" if left is not None else progress.text)
        self._left.setToolTip(progress.text)

    def _cancel_job(self) -> None:
        jobs = [job for job in self._context.jobs.active if job.title]
        if jobs:
            jobs[-1].cancel()
