"""How the learning rate moves over a training, one way a file.

A file here holds `Settings` and `factor(progress, settings)`: what the optimiser's rate is multiplied by at a
progress from 0 (first step) to 1 (the end). All but `constant` are zero at the end.
"""
