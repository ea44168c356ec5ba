"""One function a figure; each returns a matplotlib Axes drawn in the house style."""
