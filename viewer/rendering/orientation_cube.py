"""The small cube in a corner that says which way the patient is turned."""

import numpy as np

from viewer.domain.geometry import Plane
from viewer.rendering.camera import aim
from viewer.rendering.palettes import LETTERS

_FACES = {"XPlus": "L", "XMinus": "R", "YPlus": "P", "YMinus": "A", "ZPlus": "H", "ZMinus": "F"}
_SIDE_PX = 76
# The cube's edges are 1 long: this leaves room for it to turn.
_VIEW_MM = 2.0
_FACE = (38 / 255, 43 / 255, 50 / 255)
_EDGE = (91 / 255, 100 / 255, 112 / 255)


class OrientationCube:
    """A cube lettered L R P A H F in a renderer of its own, above the scene's."""

    def __init__(self) -> None:
        from vtkmodules.vtkRenderingAnnotation import vtkAnnotatedCubeActor
        from vtkmodules.vtkRenderingCore import vtkRenderer

        cube = vtkAnnotatedCubeActor()
        for face, letter in _FACES.items():
            getattr(cube, f"Set{face}FaceText")(letter)
            colour = getattr(cube, f"Get{face}FaceProperty")()
            colour.SetColor(*(c / 255 for c in LETTERS))
            colour.LightingOff()
        cube.SetFaceTextScale(0.6)
        cube.GetCubeProperty().SetColor(*_FACE)
        cube.GetCubeProperty().SetAmbient(0.6)
        cube.GetTextEdgesProperty().SetColor(*_EDGE)
        self.renderer = vtkRenderer()
        self.renderer.AddActor(cube)
        self.renderer.SetLayer(1)
        self.renderer.InteractiveOff()

    def turn(self, plane: Plane) -> None:
        """Turn the cube to the camera of ``plane``, and keep it in the lower left corner."""
        width, height = plane.size_px
        side = min(_SIDE_PX, width / 4, height / 4)
        self.renderer.SetViewport(0, 0, side / width, side / height)
        view = Plane.centred(np.zeros(3), plane.right, plane.down, _VIEW_MM, (1, 1))
        aim(self.renderer.GetActiveCamera(), view, 5.0)
        self.renderer.ResetCameraClippingRange()
