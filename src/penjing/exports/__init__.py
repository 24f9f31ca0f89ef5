"""Forms in which a network leaves penjing, one per file.

An export is a file here with `SUFFIX` (how its files end), `export(subject, path)`, which writes one, and
`open_model(path)`, which gives back a `_subject.Model` that answers without torch. The contract test of exports asks
every one of them whether its answers are those of the network it came from.
"""
