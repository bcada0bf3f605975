"""Where the program keeps things on this machine (design.md 11); NEGATOSCOPE_HOME moves all of it."""

import os
from pathlib import Path

import platformdirs


def _place(kind: str, default: str) -> Path:
    home = os.environ.get("NEGATOSCOPE_HOME")
    folder = Path(home) / kind if home else Path(default)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def config_folder() -> Path:
    """Return the folder of settings, key maps and hanging rules."""
    return _place("config", platformdirs.user_config_dir("negatoscope"))


def data_folder() -> Path:
    """Return the folder of the library and the sessions."""
    return _place("data", platformdirs.user_data_dir("negatoscope"))


def cache_folder() -> Path:
    """Return the folder of thumbnails, the demonstration study and volumes handed to workers."""
    return _place("cache", platformdirs.user_cache_dir("negatoscope"))


def state_folder() -> Path:
    """Return the folder of the logs."""
    return _place("state", platformdirs.user_state_dir("negatoscope"))
