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

    def __init__(self, slices: dict[str, SlicePane], scene: ScenePane, twin: SlicePane) -> None:
        super().__init__()
        self.slices, self.scene, self.twin = slices, scene, twin
        self.setObjectName("root")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(_GAP_PX)
        for name, (row, column) in _PLACES.items():
            self._grid.addWidget(scene if name == "3d" else slices[name], row, column)
        self._grid.addWidget(slices["acquired"], 2, 0, 1, 2)
        self._grid.addWidget(twin, 0, 2, 3, 1)
        for at in (0, 1):
            self._grid.setRowStretch(at, 1)
            self._grid.setColumnStretch(at, 1)
        self.follow(Look())

    def follow(self, look: Look) -> None:
        """Show the four panes, the enlarged one alone, or the acquired images alone.

        Where two are compared side by side, one pane and its original stand there alone.
        """
        alone = "acquired" if "acquired" in look.planes else look.enlarged
        beside = look.compare == "side" and bool(look.planes)
        if beside and alone not in look.planes:
            alone = look.active_pane if look.active_pane in look.planes else next(iter(look.planes))
        self.twin.name = alone if beside else self.twin.name
        self.twin.setVisible(beside)
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
        self._grid.setColumnStretch(2, (2 if alone == "acquired" else 1) if beside else 0)

    def panes(self) -> dict[str, QWidget]:
        """Return all panes by name."""
        return {**self.slices, "3d": self.scene}

    def update_slices(self) -> None:
        """Paint all visible 2-D panes again."""
        for pane in (*self.slices.values(), self.twin):
            if pane.isVisible():
                pane.update()
