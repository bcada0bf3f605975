"""The same verbs without a window. Results go to stdout, everything else to stderr."""
