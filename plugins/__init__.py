"""Methods: each file uses only ``viewer.api``, as a hospital's own plug-in would."""
