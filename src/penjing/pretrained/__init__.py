"""Frozen encoders that were trained elsewhere: features for data sets that are too small to learn their own."""
