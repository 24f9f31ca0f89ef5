"""How weights are learned: the loop, what feeds it, and what it keeps."""
