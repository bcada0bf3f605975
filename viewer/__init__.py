"""Negatoscope: a reading station for medical images. Not for primary diagnosis."""

__version__ = "0.1.0"
