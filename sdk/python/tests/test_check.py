"""A mistake is told before a component is made, and what a component could do is let through."""

import subprocess
import sys
from pathlib import Path

import pytest

from eventlatch_sdk.check import check, find, load

ORDERS = """\
from eventlatch_sdk import FieldMatcher, Fields, text


class Orders(FieldMatcher):
    name = "orders"
    summary = "an order"

    def fields(self) -> Fields:
        return (
            Fields.on("orders")
            .key(text("id"))
            .time("at")
            .same_business_day()
        )
"""

TYPED = """\
from dataclasses import dataclass

from eventlatch_sdk import Matcher, Problem


@dataclass
class Config:
    region: str


class Orders(Matcher):
    name = "orders"
    summary = "an order"
"""


def changed(old: str, new: str) -> str:
    assert old in ORDERS
    return ORDERS.replace(old, new)


MISTAKES = [
    (changed("Fields, ", "Feilds, "), "matcher.py:1: ImportError: cannot import name 'Feilds' from 'eventlatch_sdk'"),
    (changed('key(text("', 'key(txt("'), "matcher.py:11: NameError: name 'txt' is not defined"),
    (changed("self)", "self"), "matcher.py:8: SyntaxError: "),
    (changed("        return", "return"), "matcher.py:9: IndentationError: "),
    (changed('time("at")', "time(1, 2)"), "matcher.py:12: TypeError: Fields.time() takes 2 positional arguments"),
    (changed('text("id")', '"id"'), "matcher.py:11: TypeError: a field is made with `text`, "),
    (changed('text("id")', "text(1)"), "matcher.py:11: TypeError: a field's name must be text, not a number"),
    (changed('time("at")', 'time(text("at"))'), "matcher.py:12: TypeError: a field's name must be text, not an object"),
    (changed('.time("at")', ""), "matcher.py:4: rule: `same_business_day` needs a time field"),
    (changed("return (", "rules = ("), "matcher.py:4: TypeError: `fields` must return `Fields`"),
    (changed("summary", "sumary"), "matcher.py:4: AttributeError: type object 'Orders' has no attribute 'summary'"),
    (changed('name = "orders"', 'name = "Orders"'), "matcher.py:4: `Orders` is no name for a matcher; "),
    (changed("    name", "    nam"), "matcher.py must hold one matcher with a `name`, and has none"),
    (TYPED + "    def configure(self):\n        raise Problem('is wrong')\n", "matcher.py:15: is wrong"),
]


@pytest.mark.parametrize(("source", "said"), MISTAKES, ids=[said for _, said in MISTAKES])
def test_a_mistake_has_the_line_of_the_authors_file(tmp_path: Path, source: str, said: str) -> None:
    assert told(tmp_path, {"matcher.py": source}).startswith(said)


def test_a_mistake_is_found_in_a_file_beside_the_matchers(tmp_path: Path) -> None:
    files = {"matcher.py": f"from orders import ID\n\n{ORDERS}", "orders.py": "\nID = missing\n"}
    assert told(tmp_path, files) == "orders.py:2: NameError: name 'missing' is not defined"


def test_what_a_component_could_do_is_no_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked(tmp_path, monkeypatch, ORDERS)
    config = "    config: Config\n\n    def configure(self):\n        raise ValueError('not with this one')\n"
    checked(tmp_path, monkeypatch, TYPED + config)


def test_what_only_this_python_may_lack_is_no_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eventlatch_sdk.check.GUEST", (sys.version_info[0], sys.version_info[1] + 1))
    for late in ("math.late()", "__import__('json.late')"):
        checked(tmp_path, monkeypatch, f"import math\n{changed('return', f'{late}; return')}")


def told(folder: Path, files: dict[str, str]) -> str:
    """What the command says, run in the matcher's folder: one line."""
    for name, text in files.items():
        (folder / name).write_text(text)
    command = [sys.executable, "-m", "eventlatch_sdk.build"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    return line


def checked(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """Raises what is wrong with a matcher, without making a component."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setitem(sys.modules, "matcher", sys)
    file = folder / "matcher.py"
    file.write_text(source)
    check(find(load(file)), file)
