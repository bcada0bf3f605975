"""What stands left (what there is) and right (what I do with it) of the picture."""
