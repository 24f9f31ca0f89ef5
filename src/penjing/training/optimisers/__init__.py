"""How weights follow their gradients, one way a file.

A file here holds `Settings` (the `rate` first) and `build(network, settings)`, which gives a
torch.optim.Optimizer. The loop multiplies every group's `lr` by the schedule's factor.
"""
