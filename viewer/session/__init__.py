"""The document: state, edits, history, journal; and where one looks."""
