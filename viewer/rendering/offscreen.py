"""VTK's window without a screen, and what must be on the machine before it may be asked for."""

import ctypes
import ctypes.util
import os
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.errors import Unsupported

_EGL_WINDOW = "vtkEGLRenderWindow"
_LIBRARIES = {"EGL": "libEGL.so.1", "GL": "libGL.so.1"}


def _loads(name: str) -> bool:
    for candidate in (_LIBRARIES[name], ctypes.util.find_library(name)):
        if candidate is None:
            continue
        try:
            ctypes.CDLL(candidate)
        except OSError:
            continue
        return True
    return False


def require_opengl() -> None:
    """Refuse the 3-D view where OpenGL is missing: VTK would end the whole process.

    Without DISPLAY, VTK is told to open EGL at once: it would try X first, and warn.

    Raises
    ------
    Unsupported
        The library that VTK would load is not on this machine.
    """
    if sys.platform != "linux":
        return
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", _EGL_WINDOW)
    wants_egl = os.environ.get("VTK_DEFAULT_OPENGL_WINDOW") == _EGL_WINDOW
    name = "EGL" if wants_egl else "GL"
    if not _loads(name):
        package = {"EGL": "libegl1", "GL": "libgl1"}[name]
        raise Unsupported(
            f"The 3-D view needs the library {_LIBRARIES[name]}, which is not on this machine.",
            remedy=f"Install the package {package} with libgl1-mesa-dri; the other views work.",
        )


def open_window(size_px: tuple[int, int]) -> Any:
    """Return an off-screen vtkRenderWindow with a working OpenGL context.

    Raises
    ------
    Unsupported
        OpenGL is missing, or no driver answers.
    """
    require_opengl()
    # Imported for their side effect, which no name shows: they register the OpenGL classes
    # behind vtkRenderWindow and the mappers. Without them Render() ends the process.
    import vtkmodules.vtkRenderingOpenGL2
    import vtkmodules.vtkRenderingVolumeOpenGL2  # noqa: F401
    from vtkmodules.vtkRenderingCore import vtkRenderWindow

    window = vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(0)
    window.SetSize(*size_px)
    # Render() without a context ends the process; Initialize() only warns.
    window.Initialize()
    if not window.GetInitialized():
        raise Unsupported(
            "The 3-D view found no OpenGL driver on this machine.",
            remedy="Install the package libgl1-mesa-dri, or a driver of the graphics card.",
        )
    return window


def renderer_name(window: Any) -> str:
    """Return OpenGL's renderer string, "" where the driver tells none."""
    for line in str(window.ReportCapabilities()).splitlines():
        if "renderer string" in line.lower():
            return line.partition(":")[2].strip()
    return ""


def read_rgba(window: Any, buffer: Any) -> NDArray[np.uint8]:
    """Return the window's picture (h, w, 4), top row first and opaque.

    ``buffer`` is a vtkUnsignedCharArray that is used again from frame to frame.
    """
    from vtkmodules.util.numpy_support import vtk_to_numpy

    width, height = window.GetSize()
    window.GetRGBACharPixelData(0, 0, width - 1, height - 1, 0, buffer)
    frame: NDArray[np.uint8] = vtk_to_numpy(buffer).reshape(height, width, 4)[::-1].copy()
    frame[..., 3] = 255
    return frame
