"""Locks on files. The kernel frees them when the process ends, however it ends."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Self

from uhn.errors import UserError


class LockFile:
    """An open file to lock, and a context manager that closes it.

    Args:
        path: the file; made with its folder if need be, unless ``read_only``.
        remedy: what a user can do where it cannot be opened or locked; ends the message.
        read_only: open what is there, for shared locks alone.

    Raises:
        UserError: the file cannot be made or opened.
        FileNotFoundError: it is not there and ``read_only``.
    """

    def __init__(self, path: Path, remedy: str, *, read_only: bool = False) -> None:
        self._remedy, self._folder = remedy, path.absolute().parent
        try:
            if not read_only:
                path.parent.mkdir(parents=True, exist_ok=True)
            self.file = open(path, "r" if read_only else "a")  # noqa: SIM115 - held open as long as the lock
        except OSError as error:
            if read_only and isinstance(error, FileNotFoundError):
                raise
            raise UserError(f"{path.parent}: cannot be written ({error.strerror}); {remedy}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def take(self, *, shared: bool = False, wait: bool = True) -> bool:
        """Lock the file until it is closed.

        Some file systems know no flock. There the lock is lockf's, which other processes respect too.

        Args:
            shared: let others hold shared locks at the same time.
            wait: until others have freed it.

        Returns:
            Whether it is locked; False only without ``wait``, where another process holds it.

        Raises:
            UserError: the file system knows neither kind of lock.
        """
        mode = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
        for lock in (fcntl.flock, fcntl.lockf):
            try:
                lock(self.file, mode)
                return True
            except (BlockingIOError, PermissionError):  # some systems' lockf says the latter
                return False
            except OSError as error:
                reason = error.strerror
        raise UserError(f"{self._folder}: files cannot be locked there ({reason}); {self._remedy}")


SCRATCH_REMEDY = "choose another --scratch, or make scratch a link to a folder on a local disk"
