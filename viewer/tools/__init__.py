"""What a hand is doing right now: pointer events in; previews, and at the end one edit, out."""
