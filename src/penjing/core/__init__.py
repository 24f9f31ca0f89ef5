"""The types that cross a wall, and what every part may lean on. Nothing in here imports torch."""
