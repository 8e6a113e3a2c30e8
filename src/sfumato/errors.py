"""The exceptions that Sfumato raises on purpose.

Each message is one line that says what is wrong, where, and what to do. The command line prints it as it is and
leaves with status 2; a program catches `SfumatoError`.
"""


class SfumatoError(Exception):
    """Base of all errors that Sfumato raises on purpose."""


class InputError(SfumatoError, ValueError):
    """An argument (an option, a file, an array) cannot be used as it is."""


class FileError(SfumatoError, OSError):
    """A file or folder cannot be read or written."""


class DivergenceError(SfumatoError, ArithmeticError):
    """The loss became infinite or not a number, so that going on would only waste time."""


class WorkerError(SfumatoError):
    """Another process of a job that runs on several has ended."""


class DeviceMemoryError(SfumatoError):
    """A device has too little memory for a computation."""


class NoProgressWarning(UserWarning):
    """A run ended with no lower loss than it began with."""


class TableWarning(UserWarning):
    """A decision on a table that is not obvious: what a column was taken for, or what was taken for missing."""
