"""Makes a matcher's component: ``python -m eventlatch_sdk.build [FOLDER] [-o FILE.wasm]``.

The folder holds ``matcher.py``, whose one subclass of ``Matcher`` or ``FieldMatcher`` is the matcher. What it imports
must be pure Python. The work is componentize-py's.
"""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from types import ModuleType

from eventlatch_sdk.adapter import MatcherClass
from eventlatch_sdk.fields import FieldMatcher
from eventlatch_sdk.matcher import Matcher

#: The interface that this SDK is written against.
WIT = Path(__file__).parent / "wit"

#: How to get the tool, for whoever lacks it.
TOOL = "componentize-py==0.25.1"

MISSING_TOOL = 3

_ENTRY = """\
from eventlatch_sdk.guest import guest_of
from {module} import {matcher}

Guest = guest_of({matcher})
"""


#: componentize-py's own command, with the interpreter that has it.
_RUN = "import sys; from componentize_py import script; sys.exit(script())"


class BuildError(Exception):
    """Why there is no component."""


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m eventlatch_sdk.build", description="makes a matcher's component")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), help="holds matcher.py; default: here")
    parser.add_argument("-o", "--output", type=Path, help="default: FOLDER/NAME.wasm, by the matcher's name")
    options = parser.parse_args(arguments)
    try:
        written = build(options.folder, options.output)
    except ModuleNotFoundError as error:
        if error.name != "componentize_py":
            raise
        print(f"componentize-py is missing: {sys.executable} -m pip install {TOOL}", file=sys.stderr)
        return MISSING_TOOL
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"wrote {written} ({written.stat().st_size / 1e6:.1f} MB)")
    return 0


def build(folder: Path, output: Path | None = None) -> Path:
    """Makes the component of the matcher in a folder, and says where it is."""
    if importlib.util.find_spec("componentize_py") is None:
        raise ModuleNotFoundError("componentize-py", name="componentize_py")
    source = folder / "matcher.py"
    if not source.is_file():
        raise BuildError(f"{source} is missing: it must hold a subclass of Matcher or FieldMatcher")
    matcher = find(_load(source))
    output = output or folder / f"{matcher.name}.wasm"
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as entry:
        (Path(entry) / "eventlatch_entry.py").write_text(_ENTRY.format(module="matcher", matcher=matcher.__name__))
        _componentize(Path(entry), folder, output)
    return output


def find(module: ModuleType) -> MatcherClass:
    """The matcher of a module: the only one that is defined there, and not merely imported."""
    found = [
        it
        for it in vars(module).values()
        if inspect.isclass(it) and issubclass(it, (Matcher, FieldMatcher)) and it.__module__ == module.__name__
    ]
    found = [it for it in found if hasattr(it, "name")]
    if len(found) != 1:
        names = ", ".join(it.__name__ for it in found) or "none"
        raise BuildError(f"{module.__file__} must hold one matcher with a `name`, and has {names}")
    return found[0]


def _load(source: Path) -> ModuleType:
    sys.path.insert(0, str(source.parent.resolve()))
    spec = importlib.util.spec_from_file_location("matcher", source)
    if spec is None or spec.loader is None:
        raise BuildError(f"{source} cannot be read as Python")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by its name.
    sys.modules["matcher"] = module
    spec.loader.exec_module(module)
    return module


def _componentize(entry: Path, folder: Path, output: Path) -> None:
    packages = {sysconfig.get_path("purelib"), str(Path(__file__).parent.parent)}
    paths = [str(entry), str(folder.resolve()), *sorted(packages)]
    command = [sys.executable, "-c", _RUN, "--quiet", "-d", str(WIT), "-w", "matcher", "componentize"]
    for path in paths:
        command += ["-p", path]
    command += ["eventlatch_entry", "-o", str(output.resolve())]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise BuildError(f"componentize-py failed:\n{done.stderr.strip() or done.stdout.strip()}")


if __name__ == "__main__":
    sys.exit(main())
