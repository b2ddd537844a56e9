"""Small files in the layouts of well-known frameworks, and what of them reaches the model."""

from tests.bot.layouts.data import DATA
from tests.bot.layouts.exports import EXPORTS
from tests.bot.layouts.flags import FLAGS
from tests.bot.layouts.layout import Layout
from tests.bot.layouts.modules import MODULES
from tests.bot.layouts.python import PYTHON
from tests.bot.layouts.python_tools import PYTHON_TOOLS
from tests.bot.layouts.script import SCRIPT
from tests.bot.layouts.web import WEB

LAYOUTS = (*PYTHON, *PYTHON_TOOLS, *MODULES, *SCRIPT, *WEB, *DATA, *EXPORTS, *FLAGS)

__all__ = ["LAYOUTS", "Layout"]
