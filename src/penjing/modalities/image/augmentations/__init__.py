"""Changes of pictures that a network should not mind, one a file, drawn anew at each step of a training.

A file here holds `Settings` (`rate` or the strengths, whose zero changes nothing), `KEEPS_LABEL`: the sentence to
weigh before using it where it may change what a picture shows, else "", and `apply(images, generator, settings)`:
the whole batch at once, standardised and channels-last, each item with a draw of its own. Where it has `MOVES_PIXELS`,
it moves pixels about and changes none, and the first ones of a recipe get pictures as they lie in the cache, several
batches at once: `apply` has two halves there, `drawn(shape, generator, settings)`, a tuple of tensors with the items
along the first axis, and `moved(images, drawn, settings)`.
"""
