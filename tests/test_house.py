"""The house as the design has it: imports go down only, and every package ships."""

import ast
import configparser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tilseq"
BOTTOM = {
    "errors", "exact", "gates", "gene_symbols", "identifiers", "intervals", "kits", "lab_tests", "markers",
    "masked", "multiplicity", "populations", "readers", "receptors", "scaled_counts", "tables",
}  # fmt: skip
LABORATORIES = {"flow", "cytokines", "repertoire", "expression", "clinical"}
# What each part may import beside itself and the bottom.
MAY_IMPORT = {
    "errors": set(),
    "exact": set(),
    "gene_symbols": set(),
    "identifiers": set(),
    "intervals": set(),
    "lab_tests": set(),
    "multiplicity": set(),
    "receptors": set(),
    "scaled_counts": set(),
    "gates": set(),
    "kits": set(),
    "markers": set(),
    "masked": set(),
    "populations": set(),
    "tables": set(),
    **dict.fromkeys(LABORATORIES, set()),
    "io": set(),
    "endpoints": set(),
    "plots": {"io", "flow", "cytokines", "expression"},
    "study": {"io"},
    "simulate": {"io"},
    "steps": {"endpoints", "io", "plots", "study", *LABORATORIES},
    "exports": {"endpoints"},
    "report": {"endpoints", "io", "plots"},
    "workflow": {"io", "report", "steps", "study"},
}


def imports(path):
    """Parts of tilseq that a module imports when it runs; what only a type checker reads does not count."""
    tree = ast.parse(path.read_text())
    typing_only = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
    ]
    skipped = {id(below) for node in typing_only for below in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tilseq."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (name.name.split(".")[1] for name in node.names if name.name.startswith("tilseq."))


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_imports_go_down_only(part):
    paths = [PACKAGE / f"{part}.py"] if (PACKAGE / f"{part}.py").exists() else sorted((PACKAGE / part).rglob("*.py"))
    assert paths
    allowed = MAY_IMPORT[part] | {part} | ((BOTTOM - {"tables"}) if part in BOTTOM else BOTTOM)
    found = {(str(path.relative_to(PACKAGE)), name) for path in paths for name in imports(path) if name not in allowed}
    assert found == set()


def module_name(path):
    """Name of a module by its file; of a package its own."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules_within(modules):
    """Module → modules of the package that it names in any import, of a function or for a type checker too."""
    found = {}
    for name, path in modules.items():
        tree = ast.parse(path.read_text())
        nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import)]
        froms = [node for node in nodes if isinstance(node, ast.ImportFrom)]
        named = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        named |= {
            below if (below := f"{node.module}.{alias.name}") in modules else node.module or ""
            for node in froms
            for alias in node.names
        }
        found[name] = named & set(modules) - {name}
    return found


def test_no_module_imports_another_in_a_circle():
    modules = {module_name(path): path for path in PACKAGE.rglob("*.py")}
    left = modules_within(modules)
    assert left["tilseq.flow.gating"] > {"tilseq.flow.tree", "tilseq.flow.uncertainty"}
    while bottom := {name for name, below in left.items() if not below}:
        left = {name: below - bottom for name, below in left.items() if name not in bottom}
    assert left == {}


def test_every_package_ships():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    listed = set(settings["options"]["packages"].split())
    folders = {path.parent.relative_to(ROOT) for path in PACKAGE.rglob("__init__.py")}
    assert listed == {".".join(folder.parts) for folder in folders} | {"tilseq.pipelines"}


def test_files_are_one_idea():
    long = {
        str(path.relative_to(ROOT)): n for path in PACKAGE.rglob("*.py") if (n := path.read_text().count("\n")) > 500
    }
    assert long == {}


def test_no_module_imports_gpl_code():
    gpl = {"igraph", "Levenshtein", "olga", "sksurv", "pyreadr", "mirpy", "vdjtools", "tcrio", "edgepython", "pylimma"}
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [name.name for name in node.names] if isinstance(node, ast.Import) else []
            found |= {(path.name, name) for name in names if name.split(".")[0] in gpl}
    assert found == set()
