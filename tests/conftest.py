"""Settings that hold for every test: off-screen drawing, one thread a library, strict VTK."""

import os

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["VTK_DEFAULT_OPENGL_WINDOW"] = "vtkEGLRenderWindow"
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.pop("DISPLAY", None)

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

pytest_plugins = ["tests.support.studies"]
NO_DATA = "the shared test data is not beside the checkout"
_DATA = Path(os.environ.get("NEGATOSCOPE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))

hypothesis.settings.register_profile("dev", max_examples=25, deadline=None, print_blob=True)
hypothesis.settings.register_profile(
    "ci", max_examples=100, deadline=None, print_blob=True, derandomize=True
)
hypothesis.settings.register_profile("night", max_examples=5000, deadline=None, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every test out of the user's own folders."""
    monkeypatch.setenv("NEGATOSCOPE_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="session", autouse=True)
def _one_application(qapp: object) -> None:
    """Make the widgets' application first: one without widgets forbids it for good."""


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real test data, or skip."""
    if not _DATA.is_dir():
        pytest.skip(NO_DATA)
    return _DATA


@pytest.fixture
def vtk_is_quiet() -> Iterator[None]:
    """Fail when VTK printed an error: VTK raises nothing by itself."""
    from vtkmodules.vtkCommonCore import vtkOutputWindow, vtkStringOutputWindow

    before = vtkOutputWindow.GetInstance()
    window = vtkStringOutputWindow()
    vtkOutputWindow.SetInstance(window)
    yield
    vtkOutputWindow.SetInstance(before)
    assert not window.GetOutput(), window.GetOutput()
