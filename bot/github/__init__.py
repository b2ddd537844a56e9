"""What Debrief reads and writes on GitHub, as values.

The only package with `import github`. Takes a token; gives records; an expected absence is None.
Every call goes through PyGithub's requester (authentication, retries, pacing, proxies, GitHub
Enterprise Server), not through its objects: those fetch what is missing on their own, and here
each call is counted, mapped to one of our errors, and refused if the client only reads.
Conversations play no part here.
"""

from bot.github.client import GitHub, connect
from bot.github.records import (
    Account,
    Comment,
    Commit,
    Comparison,
    PullRequest,
    marker_of,
    ticked_rejection,
)
from bot.github.reviews import remarks_on, request_reviews
from bot.github.wire import NotFound, NotPermitted, RateLimited, TokenLacks, Unprocessable, Wire

__all__ = [
    "Account",
    "Comment",
    "Commit",
    "Comparison",
    "GitHub",
    "NotFound",
    "NotPermitted",
    "PullRequest",
    "RateLimited",
    "TokenLacks",
    "Unprocessable",
    "Wire",
    "connect",
    "marker_of",
    "remarks_on",
    "request_reviews",
    "ticked_rejection",
]
