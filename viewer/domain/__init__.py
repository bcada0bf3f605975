"""What things are: frozen values and the descriptions of methods. NumPy only."""
