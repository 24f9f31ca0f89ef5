"""Networks, one a file, each sized by one dial. A model is an encoder: it turns inputs into features.

A file here holds `Settings`, `build(shape, settings)` and `sized(dial, shape)`. What `build` returns maps
Float[batch channels height width] to Float[batch features] and says how many `features` it gives.
"""
