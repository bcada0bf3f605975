"""The window: Qt widgets that show the session and trigger actions. No arithmetic on voxels."""
