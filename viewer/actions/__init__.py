"""Every verb, declared once; menus, keys, palette, command line and journeys read the table."""
