"""What ``negatoscope evaluate`` measures, one subject a file."""
