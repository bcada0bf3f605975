"""Makes the environment that the program and its tests run in. Standard library only.

Shared by ``run.py`` and ``test.py``. A stamp inside ``.venv`` names what it was made from; when
nothing changed, nothing is done.
"""

from __future__ import annotations  # an older Python must come as far as being told so

import ctypes
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
CONSTRAINTS = ROOT / "packaging" / "constraints.txt"
STAMP = VENV / "negatoscope-environment.json"
TORCH = "torch==2.13.0"

PROGRAM = (
    "numpy",
    "PySide6_Essentials",
    "psygnal",
    "pydicom",
    "highdicom",
    "imagecodecs",
    "SimpleITK",
    "scipy",
    "scikit-image",
    "opencv-python-headless",
    "vtk",
    "safetensors",
    "nibabel",
    "platformdirs",
    "zstandard",
    "scikit-learn",
    "PyWavelets",
    "onnxruntime",
    "openvino",
    "tritonclient",
    "grpcio",
    "ml_dtypes",
    "protobuf",
)
TESTS = (
    "pytest",
    "pytest-qt",
    "pytest-xdist",
    "hypothesis",
    "ruff",
    "mypy",
    "import-linter",
    "scipy-stubs",
    "captum",
)

# Library that Qt or VTK opens at run time -> the package that brings it, by package manager.
LIBRARIES = {
    "libEGL.so.1": {"apt-get": "libegl1", "dnf": "libglvnd-egl", "pacman": "libglvnd"},
    "libGL.so.1": {"apt-get": "libgl1", "dnf": "libglvnd-glx", "pacman": "libglvnd"},
    "libOpenGL.so.0": {"apt-get": "libopengl0", "dnf": "libglvnd-opengl", "pacman": "libglvnd"},
    "libEGL_mesa.so.0": {"apt-get": "libegl-mesa0", "dnf": "mesa-libEGL", "pacman": "mesa"},
    "libxkbcommon.so.0": {
        "apt-get": "libxkbcommon0",
        "dnf": "libxkbcommon",
        "pacman": "libxkbcommon",
    },
    "libdbus-1.so.3": {"apt-get": "libdbus-1-3", "dnf": "dbus-libs", "pacman": "dbus"},
    "libfontconfig.so.1": {
        "apt-get": "libfontconfig1",
        "dnf": "fontconfig",
        "pacman": "fontconfig",
    },
    "libfreetype.so.6": {"apt-get": "libfreetype6", "dnf": "freetype", "pacman": "freetype2"},
    "libglib-2.0.so.0": {"apt-get": "libglib2.0-0", "dnf": "glib2", "pacman": "glib2"},
    "libX11.so.6": {"apt-get": "libx11-6", "dnf": "libX11", "pacman": "libx11"},
    "libXrender.so.1": {"apt-get": "libxrender1", "dnf": "libXrender", "pacman": "libxrender"},
    "libxcb-cursor.so.0": {
        "apt-get": "libxcb-cursor0",
        "dnf": "xcb-util-cursor",
        "pacman": "xcb-util-cursor",
    },
    "libxkbcommon-x11.so.0": {
        "apt-get": "libxkbcommon-x11-0",
        "dnf": "libxkbcommon-x11",
        "pacman": "libxkbcommon-x11",
    },
    "libxcb-icccm.so.4": {
        "apt-get": "libxcb-icccm4",
        "dnf": "xcb-util-wm",
        "pacman": "xcb-util-wm",
    },
    "libxcb-image.so.0": {
        "apt-get": "libxcb-image0",
        "dnf": "xcb-util-image",
        "pacman": "xcb-util-image",
    },
    "libxcb-keysyms.so.1": {
        "apt-get": "libxcb-keysyms1",
        "dnf": "xcb-util-keysyms",
        "pacman": "xcb-util-keysyms",
    },
    "libxcb-render-util.so.0": {
        "apt-get": "libxcb-render-util0",
        "dnf": "xcb-util-renderutil",
        "pacman": "xcb-util-renderutil",
    },
    "libxcb-shape.so.0": {"apt-get": "libxcb-shape0", "dnf": "libxcb", "pacman": "libxcb"},
    "libxcb-xkb.so.1": {"apt-get": "libxcb-xkb1", "dnf": "libxcb", "pacman": "libxcb"},
}
# Mesa's drivers are files that EGL looks for, no library that could be opened by name.
DRIVERS = {"apt-get": "libgl1-mesa-dri", "dnf": "mesa-dri-drivers", "pacman": "mesa"}
DRIVER_FOLDERS = (
    "/usr/lib/x86_64-linux-gnu/dri",
    "/usr/lib/aarch64-linux-gnu/dri",
    "/usr/lib64/dri",
    "/usr/lib/dri",
)
INSTALLERS = {
    "apt-get": "apt-get install -y",
    "dnf": "dnf install -y",
    "pacman": "pacman -S --needed --noconfirm",
}


def say(text: str) -> None:
    """Tell what is being done, on stderr: stdout belongs to the program."""
    print(text, file=sys.stderr, flush=True)


def stop(text: str) -> None:
    """Say why it cannot go on, and end with exit code 1."""
    say(text)
    raise SystemExit(1)


def python() -> Path:
    """Return the environment's interpreter."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def has_nvidia_driver() -> bool:
    """Return whether this machine has an NVIDIA driver."""
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def run(command: Sequence[str | Path], **options: object) -> int:
    """Run a command; return its exit code."""
    arguments = [str(part) for part in command]
    return subprocess.run(arguments, check=False, **options).returncode  # type: ignore[call-overload]


# --- shared libraries ----------------------------------------------------------------------


def missing_libraries() -> list[dict[str, str]]:
    """Return the packages of all shared libraries that cannot be opened (Linux only)."""
    if not sys.platform.startswith("linux"):
        return []
    missing = []
    for library, packages in LIBRARIES.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(packages)
    if not any(Path(folder).is_dir() and any(Path(folder).iterdir()) for folder in DRIVER_FOLDERS):
        missing.append(DRIVERS)
    return missing


def check_libraries() -> None:
    """Install missing shared libraries as root with apt-get, else name the exact line and stop."""
    missing = missing_libraries()
    if not missing:
        return
    manager = next((name for name in INSTALLERS if shutil.which(name)), "apt-get")
    packages = sorted({names[manager] for names in missing})
    line = f"{INSTALLERS[manager]} {' '.join(packages)}"
    if manager == "apt-get" and hasattr(os, "geteuid") and os.geteuid() == 0:
        say(f"Installing shared libraries that Qt and VTK need: {' '.join(packages)}")
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        run(["apt-get", "update", "-qq"], env=quiet)
        run([*line.split(), "-qq"], env=quiet)
        if not missing_libraries():
            return
    stop(f"Qt and VTK need shared libraries that are not here. Install them with:\n  {line}")


# --- Python packages -----------------------------------------------------------------------


def wanted(*, tests: bool) -> dict[str, object]:
    """Return what the environment has to be made from, as the stamp names it."""
    digest = hashlib.sha256(CONSTRAINTS.read_bytes()).hexdigest()
    return {
        "constraints": digest,
        "packages": [*PROGRAM, *(TESTS if tests else ())],
        "python": list(sys.version_info[:3]),
        "cuda": has_nvidia_driver(),
        "root": str(ROOT),
    }


def is_current(*, tests: bool) -> bool:
    """Return whether the environment is what is wanted; one with tests serves the program too."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return stamp in (wanted(tests=True), wanted(tests=tests)) and python().exists()


def pip(*arguments: str) -> int:
    """Run pip inside the environment, held by the constraints."""
    command = [python(), "-m", "pip", "--disable-pip-version-check", *arguments]
    return run([*command, "-c", CONSTRAINTS] if arguments[0] == "install" else command)


def torch_choice() -> tuple[str, str]:
    """Return (requirement, remark): how torch is installed here, "" if it is not.

    Asked without installing: a build that pulls CUDA is taken only where there is a driver.
    """
    with tempfile.TemporaryDirectory() as folder:
        for requirement in (TORCH, f"{TORCH}+cpu"):
            report = Path(folder) / "report.json"
            code = subprocess.run(
                [str(python()), "-m", "pip", "install", "--disable-pip-version-check", "--quiet",
                 "--dry-run", "--ignore-installed", "--report", str(report), requirement],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
            ).returncode  # fmt: skip
            if code != 0:
                continue
            names = [
                item["metadata"]["name"].lower()
                for item in json.loads(report.read_text(encoding="utf-8"))["install"]
            ]
            is_cuda = any(name.startswith(("nvidia-", "cuda-", "triton")) for name in names)
            if is_cuda == has_nvidia_driver() or not is_cuda:
                return requirement, ""
    version = ".".join(map(str, sys.version_info[:2]))
    return "", (
        f"torch is left out: no build for a processor without CUDA can be had for Python {version}. "
        "The window opens and reads; the networks will say what they miss. Python 3.11 has one."
    )


def install(*, tests: bool) -> None:
    """Make the environment from nothing."""
    if VENV.exists():
        shutil.rmtree(VENV)
    say(f"Making {VENV.name} with Python {sys.version.split()[0]}")
    try:
        venv.EnvBuilder(with_pip=True).create(VENV)
    except (subprocess.CalledProcessError, OSError):
        stop("Python cannot make environments here. Install them with:\n"
             "  apt-get install -y python3-venv")  # fmt: skip
    requirement, remark = torch_choice()
    if requirement:
        say(f"Installing {requirement}")
        if pip("install", "--quiet", requirement) != 0:
            stop("torch could not be installed; pip's own words stand above.")
    else:
        say(remark)
    packages = [*PROGRAM, *(TESTS if tests else ())]
    say(f"Installing {len(packages)} packages at pinned versions")
    if pip("install", "--quiet", *packages) != 0:
        stop("The packages could not be installed; pip's own words stand above.")
    _write_launcher()
    STAMP.write_text(json.dumps(wanted(tests=tests)), encoding="utf-8")


def _write_launcher() -> None:
    """Let the environment find the checkout, and give it the command ``negatoscope``."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run(
        [str(python()), "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    (Path(site) / "negatoscope.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    command = python().with_name("negatoscope")
    command.write_text(f'#!/bin/sh\nexec "{python()}" -m viewer "$@"\n', encoding="utf-8")
    command.chmod(0o755)


def prepare(*, tests: bool) -> None:
    """Do everything that a fresh machine needs; nothing when nothing changed."""
    if sys.version_info < (3, 11):  # noqa: UP036 - the system's Python may be older
        stop("Negatoscope needs Python 3.11 or newer.")
    if is_current(tests=tests):
        return
    check_libraries()
    install(tests=tests)
    say("The environment is ready.")
