"""Results out and in: SEG, SR, CSV, JSON, NIfTI, pictures; saved means read back and equal."""
