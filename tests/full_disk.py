"""A full disk in small, for tests of what is written."""

import resource
from contextlib import contextmanager


@contextmanager
def files_of_at_most(n_bytes):
    """The operating system refuses to write more into one file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
