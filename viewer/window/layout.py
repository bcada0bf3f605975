"""The panes: two by two, one enlarged, or one for images that form no volume."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from viewer.session.viewing import Look
from viewer.window.pane import SlicePane
from viewer.window.scene_pane import ScenePane

_GAP_PX = 2
_PLACES = {"axial": (0, 0), "sagittal": (0, 1), "coronal": (1, 0), "3d": (1, 1)}


class PaneGrid(QWidget):
    """Holds all panes, and shows those that the look asks for."""

    def __init__(self, slices: dict[str, SlicePane], scene: ScenePane) -> None:
        super().__init__()
        self.slices, self.scene = slices, scene
        self.setObjectName("root")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(_GAP_PX)
        for name, (row, column) in _PLACES.items():
            self._grid.addWidget(scene if name == "3d" else slices[name], row, column)
        self._grid.addWidget(slices["acquired"], 2, 0, 1, 2)
        for at in (0, 1):
            self._grid.setRowStretch(at, 1)
            self._grid.setColumnStretch(at, 1)
        self.follow(Look())

    def follow(self, look: Look) -> None:
        """Show the four panes, the enlarged one alone, or the acquired images alone."""
        alone = "acquired" if "acquired" in look.planes else look.enlarged
        for name, pane in self.panes().items():
            shown = name == alone if alone else name != "acquired"
            pane.setVisible(shown)
        rows = {"axial": 0, "sagittal": 0, "coronal": 1, "3d": 1, "acquired": 2}
        columns = {"axial": 0, "sagittal": 1, "coronal": 0, "3d": 1, "acquired": 0}
        for at in range(3):
            used = rows[alone] == at if alone else at < 2
            self._grid.setRowStretch(at, 1 if used else 0)
        for at in range(2):
            used = columns[alone] == at if alone and alone != "acquired" else True
            self._grid.setColumnStretch(at, 1 if used else 0)

    def panes(self) -> dict[str, QWidget]:
        """Return all panes by name."""
        return {**self.slices, "3d": self.scene}

    def update_slices(self) -> None:
        """Paint all visible 2-D panes again."""
        for pane in self.slices.values():
            if pane.isVisible():
                pane.update()
