"""Loads a matcher as plain Python, before a component is made of it: a mistake is told at once, with its line.

Only what no component could do either is a mistake. The component has a Python of its own, which may be newer, and a
configuration that is not known here.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import re
import sys
import traceback
from pathlib import Path
from types import ModuleType

from eventlatch_sdk import adapter, strict_json
from eventlatch_sdk.adapter import MatcherClass
from eventlatch_sdk.fields import FieldMatcher
from eventlatch_sdk.matcher import Matcher, NoConfig, config_of
from eventlatch_sdk.problem import Problem, Problems

#: The Python that componentize-py puts into a component.
GUEST = (3, 14)

_SDK = Path(__file__).resolve().parent


class Mistake(Exception):
    """What is wrong with an author's module, and where."""


def load(source: Path) -> ModuleType:
    """The module of a matcher; raises a mistake."""
    sys.path.insert(0, str(source.parent.resolve()))
    spec = importlib.util.spec_from_file_location("matcher", source)
    if spec is None or spec.loader is None:
        raise Mistake(f"{source} cannot be read as Python")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by its name.
    sys.modules["matcher"] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise Mistake(_told(error, source)) from error
    return module


def find(module: ModuleType) -> MatcherClass:
    """The matcher of a module: the only one that is defined there, and not merely imported. Raises a mistake."""
    found = [
        it
        for it in vars(module).values()
        if inspect.isclass(it) and issubclass(it, (Matcher, FieldMatcher)) and it.__module__ == module.__name__
    ]
    found = [it for it in found if hasattr(it, "name")]
    if len(found) != 1:
        names = ", ".join(it.__name__ for it in found) or "none"
        raise Mistake(f"{_shown(Path(str(module.__file__)))} must hold one matcher with a `name`, and has {names}")
    return found[0]


def check(matcher: MatcherClass, source: Path) -> None:
    """Asks a matcher for what a service asks first; raises a mistake."""
    try:
        _ask(matcher)
    except Exception as error:
        if not _may_be_newer(error):
            raise Mistake(_told(error, source, matcher)) from error


def _ask(matcher: MatcherClass) -> None:
    about = adapter.describe(matcher)
    if not re.fullmatch("[a-z0-9-]+", about.name):
        raise Problem(f"`{about.name}` is no name for a matcher; use lower-case letters, digits and dashes")
    for schema in (about.wanted_schema, about.message_schema, about.config_schema):
        strict_json.dumps(schema)
    # With settings, what is wrong without them may be right with them.
    if config_of(matcher) is NoConfig:
        adapter.configure(matcher, "{}")


def _may_be_newer(error: Exception) -> bool:
    """Whether it may be that only this Python lacks something, and that of a component has it."""
    if sys.version_info[:2] >= GUEST:
        return False
    module = None
    if isinstance(error, ImportError):
        module = error.name
    elif isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        module = error.obj.__name__
    return (module or "").split(".")[0] in sys.stdlib_module_names


def _told(error: Exception, source: Path, matcher: MatcherClass | None = None) -> str:
    file, line = _place(error, source.resolve().parent) or (source, _line_of(matcher))
    return f"{_shown(file)}:{line}: {_said(error)}" if line else f"{_shown(file)}: {_said(error)}"


def _shown(file: Path) -> str:
    return os.path.relpath(file) if file.resolve().is_relative_to(Path.cwd()) else str(file)


def _place(error: Exception, folder: Path) -> tuple[Path, int | None] | None:
    """The author's own line that is nearest to the error."""
    if isinstance(error, SyntaxError) and error.filename and _is_own(Path(error.filename), folder):
        return Path(error.filename), error.lineno
    raised = error.problems[0] if isinstance(error, Problems) else error
    frames = [it for it in traceback.extract_tb(raised.__traceback__) if _is_own(Path(it.filename), folder)]
    return (Path(frames[-1].filename), frames[-1].lineno) if frames else None


def _is_own(file: Path, folder: Path) -> bool:
    """Whether a file is the author's: in the folder, and not of an environment or an SDK that lies there as well."""
    file = file.resolve()
    if not file.is_file() or not file.is_relative_to(folder) or file.is_relative_to(_SDK):
        return False
    return not {"site-packages", "dist-packages"} & set(file.relative_to(folder).parts)


def _line_of(matcher: MatcherClass | None) -> int | None:
    try:
        return None if matcher is None else inspect.getsourcelines(matcher)[1]
    except OSError:
        return None


def _said(error: Exception) -> str:
    if isinstance(error, (Problem, Problems)):
        return str(error)
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    # With the interpreter's suggestion, and without notes.
    return next(traceback.TracebackException.from_exception(error).format_exception_only()).rstrip()
