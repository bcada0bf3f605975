import subprocess
import sys
from pathlib import Path

CODE = """
import sys
import viewer.session.recovery, viewer.session.serialise, viewer.tools.table
viewer.session.serialise.encode(())
heavy = {"PySide6", "vtkmodules", "torch", "pydicom", "scipy", "skimage", "SimpleITK"}
print(sorted(heavy & set(sys.modules)))
"""


def test_session_and_tools_load_no_toolkit_and_no_heavy_library() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
