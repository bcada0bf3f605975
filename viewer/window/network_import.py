"""The guided import: what was read of a network, and one question at a time for the rest."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from viewer.errors import ViewerError
from viewer.inference.foreign import QUESTIONS, Foreign, Question, check_answer
from viewer.inference.importing import TRUST, refuse_taken
from viewer.window.controls import clear_layout, label, row_of, rule
from viewer.window.performing import Performing

_SIZE_PX = (640, 560)
_LONGEST = 120
_ASKED_ANYWAY = ("key", "title")  # known or not: a person wants to choose them


class ImportGuide(QDialog):
    """Asks what the files do not say; then has the network checked and kept. Esc gives up."""

    def __init__(self, parent: QWidget, foreign: Foreign, performing: Performing) -> None:
        super().__init__(parent)
        self._foreign, self._performing = foreign, performing
        self.answers: dict[str, str] = {}
        keys = [q.key for q in foreign.missing]
        keys += [key for key in _ASKED_ANYWAY if key not in keys]
        self._questions = [QUESTIONS[key] for key in keys]
        self._at = 0
        self.setWindowTitle("Bring in a network")
        self.resize(*_SIZE_PX)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(10)
        column.addWidget(label(foreign.kind, "name"))
        column.addWidget(_wrapped(foreign.path.name, "caption"))
        column.addWidget(rule())
        self._page = QVBoxLayout()
        self._page.setSpacing(8)
        column.addLayout(self._page, 1)
        column.addWidget(rule())
        self.back = QPushButton("Back")
        self.back.setAutoDefault(False)
        self.back.clicked.connect(self.go_back)
        self.next = QPushButton("Next")
        self.next.setObjectName("primary")
        self.next.setDefault(True)
        self.next.clicked.connect(self.go_on)
        self._count = label("", "caption")
        column.addLayout(row_of(self._count, None, self.back, self.next))
        self.field: QLineEdit | QComboBox | None = None
        self._trust = QCheckBox("I trust where this file comes from")
        self._replace = QCheckBox("Replace the network of that name")
        self._wrong = _wrapped("", "warning")
        self._show()

    # --- pages -----------------------------------------------------------------------------

    @property
    def question(self) -> Question | None:
        """The question that is asked now; None at the end."""
        return self._questions[self._at] if self._at < len(self._questions) else None

    def _show(self) -> None:
        for kept in (self._trust, self._replace, self._wrong):
            kept.setParent(None)
        clear_layout(self._page)
        question = self.question
        if question is None:
            self._summary()
        else:
            self._ask(question)
        self._page.addStretch(1)
        self.back.setEnabled(self._at > 0)
        self.next.setText("Check and keep" if question is None else "Next")
        n = len(self._questions)
        self._count.setText(f"Question {self._at + 1} of {n}" if question else "Ready")

    def _ask(self, question: Question) -> None:
        said = self.answers.get(question.key, self._foreign.known.get(question.key, ""))
        text = _wrapped(question.text, "strong")
        self._page.addWidget(text)
        if question.choices:
            box = QComboBox()
            box.addItems(question.choices)
            box.setCurrentText(said or question.choices[0])
            self.field = box
        else:
            line = QLineEdit(said)
            line.setPlaceholderText(question.example)
            line.selectAll()
            self.field = line
        self._page.addWidget(self.field)
        self._page.addWidget(label(f"For example: {question.example}", "dim"))
        self._say("")
        if self._at == 0:
            self._read()
        self.field.setFocus()

    def _read(self) -> None:
        """Tell what the files said, before the first question."""
        known = [(key, text) for key, text in self._foreign.known.items() if text]
        if known:
            self._page.addSpacing(8)
            self._page.addWidget(label("What its files say", "heading"))
        for key, text in known:
            self._page.addWidget(_wrapped(f"{key.replace('_', ' ')}: {_short(text)}", "dim"))

    def _summary(self) -> None:
        self.field = None
        known = {**self._foreign.known, **self.answers}
        self._page.addWidget(label("It will be kept as", "heading"))
        for key in ("title", "key", "modality", "classes", "spacing", "tile", "scaling", "axes"):
            if known.get(key):
                self._page.addWidget(_wrapped(f"{key}: {_short(known[key])}"))
        for note in self._foreign.notes:
            self._page.addWidget(_wrapped(note, "warning"))
        self._page.addWidget(
            _wrapped(
                "Its weights are read as numbers alone and tried; then it runs on the open study, if "
                "it reads such. Nothing about it was measured here, and its card will say so.",
                "dim",
            )
        )
        if self._foreign.needs_trust:
            self._page.addWidget(_wrapped(TRUST, "warning"))
            self._page.addWidget(self._trust)
            self._trust.show()
        self._say("")

    def _say(self, text: str) -> None:
        self._wrong.setText(text)
        self._page.addWidget(self._wrong)
        self._wrong.setVisible(bool(text))

    # --- steps -----------------------------------------------------------------------------

    def go_back(self) -> None:
        """Ask the question before."""
        self._at = max(0, self._at - 1)
        self._show()

    def go_on(self) -> None:
        """Take the answer if it can be one, and go to the next page or to work."""
        question = self.question
        if question is None:
            self._finish()
            return
        assert self.field is not None  # noqa: S101 - a question has a field
        is_line = isinstance(self.field, QLineEdit)
        text = self.field.text() if is_line else self.field.currentText()  # type: ignore[union-attr]
        try:
            check_answer(question.key, text.strip(), self._foreign)
        except ViewerError as error:
            self._wrong.setText(f"{error.what} {error.remedy}".strip())
            self._wrong.show()
            return
        self.answers[question.key] = text.strip()
        self._at += 1
        self._show()

    def _finish(self) -> None:
        if self._foreign.needs_trust and not self._trust.isChecked():
            self._wrong.setText("Say that you trust its source, or give up with Esc.")
            self._wrong.show()
            return
        key = self.answers.get("key", self._foreign.known.get("key", ""))
        try:
            refuse_taken(key, force=self._replace.isChecked())
        except ViewerError as error:
            self._wrong.setText(error.what)
            self._wrong.show()
            self._page.insertWidget(self._page.count() - 1, self._replace)
            self._replace.show()
            return
        source = self._source()
        self.accept()
        self._performing.perform(
            "ai.bring_in",
            path=source,
            answers=dict(self.answers),
            is_trusted=self._trust.isChecked(),
            force=self._replace.isChecked(),
        )

    def _source(self) -> str:
        """Return the folder or file that was chosen: readers go down to the weights."""
        path = self._foreign.path
        depth = {"MONAI bundle": 1, "nnU-Net v2 result folder": 1}.get(self._foreign.kind, -1)
        return str(path.parents[depth]) if depth >= 0 else str(path)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _wrapped(text: str, name: str = "") -> QLabel:
    found = label(text, name)
    found.setWordWrap(True)
    return found
