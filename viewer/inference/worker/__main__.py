"""``python -m viewer.inference.worker``: started by the supervisor, speaks on its pipes."""

from viewer.inference.worker.main import main

if __name__ == "__main__":
    main()
