"""Ink: primitives and pictures drawn with QPainter; QtGui only, no widgets."""
