"""`python -m penjing` is `penjing`."""

from penjing.cli import main

main()
