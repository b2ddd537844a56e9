"""Why does this pattern fail? By rules first, by a reader second, and with what speaks against it.

Takes patterns, what each conversation showed (`Trait`s, gathered while it was read) and, for the
reader, some failing conversations; gives each pattern its `Cause`. What no change of a file can
mend is a finding. Rules cost nothing; the reader one call per conversation that it reads.
"""

from bot.causes.explain import Explained, explain_by_reader, explain_by_rules, unanswered
from bot.causes.traits import Trait, traits_of

__all__ = ["Explained", "Trait", "explain_by_reader", "explain_by_rules", "traits_of", "unanswered"]
