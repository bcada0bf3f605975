"""Running work: progress, cancel, newest wins."""
