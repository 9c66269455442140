"""`python -m albert`: the same as the command `albert`."""

from albert.cli import command

command()
