"""docs/architecture.md is held against the folders, the import contracts and the room pages."""

import ast
import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "propensity"
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
SECTIONS = [
    "What lives here",
    "How to think about it",
    "What bites",
    "Where it meets the rest",
    "When you edit",
]
MAX_FOLDERS, MAX_MODULES, MAX_MODULES_OF_ROOM = 14, 6, 16


def find_rooms() -> list[Path]:
    """Packages with a page, those of flows and tasks too; migrations have no __init__.py."""
    pages = [
        p for top in ("flows", "tasks", "propensity") for p in ROOT.glob(f"{top}/**/__init__.py")
    ]
    return sorted(page.parent for page in pages)


def find_folders(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir() if p.is_dir() and p.name != "__pycache__"}


def find_modules(folder: Path) -> set[str]:
    return {p.stem for p in folder.glob("*.py")} - {"__init__"}


def name_page(path: Path) -> str:
    return str(path.relative_to(ROOT))


def read_layers() -> list[set[str]]:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = pyproject["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c.get("containers") == ["propensity"])
    return [{room.strip() for room in layer.split("|")} for layer in layers]


def read_floors() -> list[tuple[int, str, str]]:
    """Floor, room and link of each row of the table of rooms."""
    rows = re.findall(r"^\| (\d+) \| \[(\w+)\]\(\.\./([^)]+)\) \|", PAGE, re.MULTILINE)
    return [(int(floor), room, target) for floor, room, target in rows]


def test_the_page_shows_the_floors_of_the_import_contract():
    layers, shown = read_layers(), read_floors()
    assert [floor for floor, *_ in shown] == sorted((f for f, *_ in shown), reverse=True)
    top = len(layers) - 1
    assert [{room for f, room, _ in shown if f == top - n} for n in range(len(layers))] == layers


def test_the_page_shows_every_folder_and_ground_module_once():
    shown = read_floors()
    assert len({room for _, room, _ in shown}) == len(shown)
    folders, modules = find_folders(PACKAGE), find_modules(PACKAGE)
    assert {room for _, room, target in shown if target.endswith("__init__.py")} == folders
    assert {room for _, room, target in shown if not target.endswith("__init__.py")} == modules
    for _, room, target in shown:
        assert target in (f"propensity/{room}/__init__.py", f"propensity/{room}.py")


def test_rooms_inside_rooms_are_named():
    for room in find_rooms():
        name = str(room.relative_to(PACKAGE if room.is_relative_to(PACKAGE) else ROOT))
        if "/" in name:
            assert f"[{name}]" in PAGE, name


def test_the_picture_shows_every_room_on_its_floor():
    picture = ET.parse(ROOT / "docs/architecture.svg").getroot()  # noqa: S314  (our own file)
    texts = {t.text: float(t.get("y", 0)) for t in picture.iter("{http://www.w3.org/2000/svg}text")}
    heights = [{texts[room] for room in layer} for layer in read_layers()]
    # names on the ground have no second line, so they stand a little lower within their floor
    assert all(len(height) == 1 for height in heights)
    assert heights == sorted(heights, key=min)


@pytest.mark.parametrize("page", [ROOT / "docs/architecture.md", *find_rooms()], ids=name_page)
def test_every_module_named_exists(page):
    text = PAGE if page.is_file() else ast.get_docstring(read_source(page)) or ""
    for name in re.findall(r"`([\w/]+\.py)`", text):
        bases = [ROOT, PACKAGE] if page.is_file() else [page, PACKAGE, ROOT]
        assert any((base / name).is_file() for base in bases), name


def test_every_record_is_defined_where_the_page_says():
    rows = re.findall(r"^\| `(\w+)` \| `([\w/]+\.py)` \|", PAGE, re.MULTILINE)
    assert len(rows) >= 8
    for record, module in rows:
        tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
        assert record in {n.name for n in tree.body if isinstance(n, ast.ClassDef)}, record


def test_no_folder_is_a_heap():
    assert len(find_folders(PACKAGE)) <= MAX_FOLDERS
    assert len(find_modules(PACKAGE)) <= MAX_MODULES
    for room in find_rooms():
        assert len(find_modules(room)) <= MAX_MODULES_OF_ROOM, room


def read_source(room: Path) -> ast.Module:
    return ast.parse((room / "__init__.py").read_text(encoding="utf-8"))


@pytest.mark.parametrize("room", find_rooms(), ids=name_page)
def test_a_room_has_its_page(room):
    lines = (ast.get_docstring(read_source(room)) or "").splitlines()
    assert [line for line in lines if line in SECTIONS] == SECTIONS
    assert lines[0].endswith(".")
    assert 12 <= len(lines) <= 30


@pytest.mark.parametrize("room", find_rooms(), ids=name_page)
def test_a_page_names_every_module_of_its_room(room):
    page = ast.get_docstring(read_source(room)) or ""
    if room != ROOT / "propensity/reference":  # one module per page, as it says
        assert {m for m in find_modules(room) if f"`{m}.py`" not in page} == set()
