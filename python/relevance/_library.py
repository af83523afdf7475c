# SPDX-License-Identifier: Apache-2.0
"""Finds and loads the shared library; turns its statuses into exceptions."""
from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any, Dict, Type

from . import _abi

PACKAGE = Path(__file__).resolve().parent


class RelevanceError(Exception):
    """What the library refuses, with its own message.

    status    a member of relevance.Status
    position  byte offset in the model file, where that makes sense; else 0
    """

    status: _abi.Status
    position: int

    def __init__(self, message: str, status: int = _abi.Status.BAD_ARGUMENT, position: int = 0):
        super().__init__(message)
        self.status = _abi.Status(status)
        self.position = position

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> Any:  # so that it survives the way back from a worker process
        return type(self), (self.args[0], int(self.status), self.position)


class ArgumentError(RelevanceError, ValueError):
    """An option or an argument out of range."""


class OutOfMemoryError(RelevanceError, MemoryError):
    """The context's memory could not be allocated."""


class FileError(RelevanceError, OSError):
    """The model file cannot be opened or read."""


class ModelError(RelevanceError, ValueError):
    """Not a model file, a damaged one, or one of a format version that cannot be read."""


class HeadError(RelevanceError, TypeError):
    """The model has no head for this call."""


class CatalogError(RelevanceError, ValueError):
    """A catalogue has a wrong line: the message says which and why."""


class CpuError(RelevanceError, RuntimeError):
    """This CPU or this build lacks the instruction set."""


class ThreadError(RelevanceError, RuntimeError):
    """A worker thread could not be started."""


_CLASSES: Dict[int, Type[RelevanceError]] = {
    _abi.Status.BAD_ARGUMENT: ArgumentError,
    _abi.Status.NO_MEMORY: OutOfMemoryError,
    _abi.Status.IO: FileError,
    _abi.Status.BAD_MODEL: ModelError,
    _abi.Status.BAD_VERSION: ModelError,
    _abi.Status.NO_HEAD: HeadError,
    _abi.Status.BAD_CATALOG: CatalogError,
    _abi.Status.NO_ISA: CpuError,
    _abi.Status.NO_THREAD: ThreadError,
}


def bundled(name: str, in_tree: str, variable: str) -> Path:
    """A file that came with the package, or is in the source tree that the package lies in.

    'variable' names an environment variable that gives another file.
    """
    if os.environ.get(variable):
        return Path(os.environ[variable])
    path = PACKAGE / name
    root = PACKAGE.parent.parent
    if not path.exists() and (root / "include" / "relevance.h").exists():
        return root / in_tree
    return path


def _load() -> ctypes.CDLL:
    path = str(bundled("librelevance.so", "build/librelevance.so", "RELEVANCE_LIBRARY"))
    try:
        library = ctypes.CDLL(path)
    except OSError as e:
        raise ImportError("relevance: cannot load its library: %s (in a source tree, 'make' builds "
                          "it; RELEVANCE_LIBRARY names another one)" % e) from e
    try:
        _abi.declare(library)
    except AttributeError as e:
        raise ImportError("relevance: %s is of another version: %s" % (path, e)) from e
    version = library.relevance_version().decode()
    if version.split(".")[:2] != [str(_abi.VERSION_MAJOR), str(_abi.VERSION_MINOR)]:
        raise ImportError("relevance: %s is version %s; this package is for %d.%d"
                          % (path, version, _abi.VERSION_MAJOR, _abi.VERSION_MINOR))
    return library


library = _load()


def error_for(status: int, message: str = "", position: int = 0) -> RelevanceError:
    """The exception for a status; without a message, the library's name of the status."""
    if not message:
        message = library.relevance_status_name(status).decode()
    return _CLASSES.get(status, RelevanceError)(message, status, position)


def raise_error(error: _abi.relevance_error) -> None:
    raise error_for(error.status, error.message.decode("utf-8", "replace"), error.position)
