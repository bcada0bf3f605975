"""Finds plug-ins, checks them, and keeps a broken one away from the picture."""
