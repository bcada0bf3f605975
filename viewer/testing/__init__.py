"""How to prove it: builders and oracles, public, for plug-in authors too. ``viewer`` never imports it."""
