"""Files in: recognise, scan, sort into volumes, decode; the account of every file."""
