"""Changes of texts that a network should not mind, one a file, drawn anew at each step of a training.

A file here holds `Settings` (`rate`, whose zero changes nothing), `KEEPS_LABEL`, the sentence to weigh before using it,
and `apply(tokens, generator, settings)`: the whole batch at once, each token with a draw of its own.
"""
