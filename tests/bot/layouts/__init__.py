"""Small files in the layouts of well-known frameworks, and what of them reaches the model."""

from tests.bot.layouts.data import DATA
from tests.bot.layouts.flags import FLAGS
from tests.bot.layouts.layout import Layout
from tests.bot.layouts.python import PYTHON
from tests.bot.layouts.python_tools import PYTHON_TOOLS
from tests.bot.layouts.script import SCRIPT

LAYOUTS = (*PYTHON, *PYTHON_TOOLS, *SCRIPT, *DATA, *FLAGS)

__all__ = ["LAYOUTS", "Layout"]
