"""The index of known studies; disposable, and never the only place where anything is known."""
