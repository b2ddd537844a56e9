"""What can go wrong, and the exit code that a shell sees.

DebriefError
├── Refused            1   a gate or guardrail refused what was asked for by name
├── UsageError         2   wrong use, configuration or credentials
│   ├── SettingsError      the settings file or an environment variable
│   └── CredentialsError   a key or token is missing or not accepted
└── FaultElsewhere     4   disk, network, model or GitHub, after retries
    ├── RepositoryError    git said no
    ├── ModelError         the model's service said no
    └── GitHubError        GitHub said no

Exit code 3 (degraded) is no exception: a run that left something out reports `Degraded` records.
Every message says what happened, with which value, and what to do now.
"""

from __future__ import annotations


class DebriefError(Exception):
    """Base of all errors that a person should read as one line."""

    exit_code = 4


class Refused(DebriefError):
    """A gate or guardrail refused something that was asked for by name."""

    exit_code = 1


class UsageError(DebriefError):
    """The command, the configuration or the credentials are wrong."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting is missing, unknown or out of range."""


class CredentialsError(UsageError):
    """A key or token is missing or was not accepted."""


class FaultElsewhere(DebriefError):
    """The disk, the network, the model or GitHub failed, and retries did not help."""

    exit_code = 4


class RepositoryError(FaultElsewhere):
    """A git repository could not be read or written."""


class ModelError(FaultElsewhere):
    """The model's service could not answer."""


class GitHubError(FaultElsewhere):
    """GitHub could not answer."""
