"""Makes a matcher's component: ``python -m eventlatch_sdk.build [FOLDER] [-o FILE.wasm]``.

The folder holds ``matcher.py``, whose one subclass of ``Matcher`` or ``FieldMatcher`` is the matcher. What it imports
must be pure Python. The work is componentize-py's.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from eventlatch_sdk.check import Mistake, check, find, load

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
    except (BuildError, Mistake) as error:
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
    matcher = find(load(source))
    check(matcher, source)
    output = output or folder / f"{matcher.name}.wasm"
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as entry:
        (Path(entry) / "eventlatch_entry.py").write_text(_ENTRY.format(module="matcher", matcher=matcher.__name__))
        _componentize(Path(entry), folder, output)
    return output


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
