"""Makes an environment with a real NVIDIA Triton server, without docker or a graphics card.

    python packaging/serving/triton_for_tests.py FOLDER

The wheel ``nvidia-pytriton`` carries the server with all its libraries and its Python backend, whose
stub links to libpython3.11: so the environment is made by an interpreter of the very release of that
library. NumPy must be older than 2: with a newer one the backend answers OK, with no bytes. Prints
the command that starts it. The environment takes some 400 MB; FOLDER can be deleted at any time.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = ("nvidia-pytriton==0.7.0", "numpy<2", "onnxruntime==1.32.0")
_LIBRARY = "libpython3.11.so.1.0"
_LIBRARY_FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib")
_INTERPRETERS = ("/usr/bin/python3.11", "/usr/local/bin/python3.11")
_DONE = "complete"


class CannotMake(Exception):
    """The environment cannot be had on this machine; the text says why."""


def interpreter() -> Path:
    """Return the interpreter that belongs to the system's libpython3.11.

    Raises
    ------
    CannotMake
        There is none.
    """
    if sys.platform != "linux":
        raise CannotMake("the wheel holds a server for Linux alone")
    if not any((Path(folder) / _LIBRARY).exists() for folder in _LIBRARY_FOLDERS):
        raise CannotMake(f"{_LIBRARY} is not installed (Debian: libpython3.11)")
    for path in _INTERPRETERS:
        if Path(path).exists():
            return Path(path)
    raise CannotMake("the system has no Python 3.11 beside its library")


def site_packages(folder: Path) -> Path:
    """Return where the environment keeps its packages."""
    return folder / "venv" / "lib" / "python3.11" / "site-packages"


def make(folder: Path) -> None:
    """Make the environment in ``folder``, if it is not there.

    Raises
    ------
    CannotMake
        This machine cannot have it, or no package index can be reached.
    """
    if (folder / _DONE).exists():
        return
    own = interpreter()
    folder.mkdir(parents=True, exist_ok=True)
    python = folder / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-cache-dir", "-q"]
    try:
        _run([str(own), "-m", "venv", "--without-pip", "--clear", str(folder / "venv")])
        _run([*pip, *PACKAGES])
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotMake(f"the environment could not be filled ({error})") from error
    _add_backend(folder)
    (folder / _DONE).touch()


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _add_backend(folder: Path) -> None:
    """Put the Python backend and the stub for this Python into one folder, as the server wants it."""
    inside = site_packages(folder) / "pytriton" / "tritonserver"
    backend = folder / "backends" / "python"
    shutil.rmtree(backend, ignore_errors=True)
    shutil.copytree(inside / "backends" / "python", backend)
    stub = inside / "python_backend_stubs" / "3.11" / "triton_python_backend_stub"
    shutil.copy2(stub, backend / stub.name)


def environment(folder: Path, n_threads: int) -> dict[str, str]:
    """Return the variables that the server needs to find its libraries and its Python."""
    python = folder / "venv" / "bin"
    return {
        **{key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        "LD_LIBRARY_PATH": str(site_packages(folder) / "nvidia_pytriton.libs"),
        "PATH": os.pathsep.join((str(python), os.environ.get("PATH", ""))),
        "OMP_NUM_THREADS": str(n_threads),
    }


def command(folder: Path, models: Path, http_port: int, grpc_port: int) -> list[str]:
    """Return the command that starts the server on the loopback, with all networks in ``models``."""
    server = site_packages(folder) / "pytriton" / "tritonserver" / "bin" / "tritonserver"
    return [
        str(server),
        f"--model-repository={models}",
        f"--backend-directory={folder / 'backends'}",
        "--http-address=127.0.0.1",
        "--grpc-address=127.0.0.1",
        f"--http-port={http_port}",
        f"--grpc-port={grpc_port}",
        "--allow-metrics=false",
        "--model-control-mode=explicit",
        "--load-model=*",
        "--disable-auto-complete-config",
        "--exit-timeout-secs=5",
    ]


def main() -> None:
    """Make the environment that the command line names, and say how to start the server."""
    if len(sys.argv) != 2:
        print(__doc__)
        raise SystemExit(2)
    folder = Path(sys.argv[1]).resolve()
    try:
        make(folder)
    except CannotMake as error:
        raise SystemExit(f"Triton cannot be had here: {error}.") from error
    print(f"LD_LIBRARY_PATH={site_packages(folder) / 'nvidia_pytriton.libs'} \\")
    print(f"PATH={folder / 'venv' / 'bin'}:$PATH \\")
    print(" \\\n  ".join(command(folder, Path("MODELS"), 8000, 8001)))


if __name__ == "__main__":
    main()
