"""Where in a repository's files the model's texts stand, and how to change one and nothing else.

Takes the text of one file; gives `Region`s: prompts and descriptions of tools with their place.
`write_region` gives the file with one region changed and refuses with a sentence where
the format cannot hold it. No I/O; a file that does not parse raises `NotParsed` and is left alone.
"""

from bot.regions.find import find_regions, write_region
from bot.regions.numbers import code_numbers
from bot.regions.region import Region
from bot.regions.structure import NotParsed

__all__ = ["NotParsed", "Region", "code_numbers", "find_regions", "write_region"]
