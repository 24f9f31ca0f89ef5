"""Changes of videos that a network should not mind, one a file, drawn anew at each step of a training.

They work on what the front end gives: frames [batch, time, channels, height, width], standardised. All frames of a
clip change alike, and none changes which way things move: nothing is mirrored, turned or played backwards.
"""
