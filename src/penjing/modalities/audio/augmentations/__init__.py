"""Changes of sounds that a network should not mind, one a file, drawn anew at each step of a training.

They work on what the front end gives: log-mel maps [batch, 1, bands, frames], standardised. A file here holds
`Settings` (whose zero changes nothing), `KEEPS_LABEL`: the sentence to weigh before using it where it may change what
a sound is, else "", and `apply(maps, generator, settings)`: the whole batch at once, each item with a draw of its own.
"""
