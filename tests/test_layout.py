"""The package holds to its design: imports go one way, importing it is light, every public name is explained."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import downslope

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "downslope"

# A layer imports from those above it, and from itself.
LAYERS = (
    "errors",
    "plain",
    "patience",
    "coefficients",
    "objectives",
    "methods",
    "learning_rates",
    "stopping",
    "bounds",
    "columns",
    "run",
    "wording",
    "notebook",
    "progress",
    "engines",
    "minimization",
    "storage",
    "analysis",
    "sweeps",
    "explanation",
    "adapters",
    "torch",
    "disk_cache",
    "plots",
    "training",
    "estimators",
    "lab",
    "cli",
)
# (importing module, imported module): why this one may go against the order.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("downslope.run", "downslope.storage"): "run.save() and run.replay() load what they need when they are called",
    ("downslope.run", "downslope.explanation"): "run.explain() loads what it needs when it is called",
    ("downslope.run", "downslope.plots"): "run.plot() and run.animate() load matplotlib when they are called",
    ("downslope.run", "downslope.lab"): "run.show() opens the laboratory when it is called",
    ("downslope.storage.run_file", "downslope.training"): "a file of a training loads what reads its epochs and model",
    ("downslope.run", "downslope.notebook"): "a run in a notebook is told by what loads only there",
}
HEAVY = {"jax", "matplotlib", "torch", "sklearn", "pandas", "lark", "typer", "rich", "scipy", "pyarrow", "distributed"}

modules = {
    ".".join(("downslope", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
}
each_module = pytest.mark.parametrize("name", modules)


def imports(tree):
    """Every module that the code imports at run time, at any depth, as dotted names."""
    skipped = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            skipped.update(id(inner) for part in node.body for inner in ast.walk(part))
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(module):
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else None


def against_the_order(name, source):
    """The imports of the module `name` that go against the order."""
    own = layer(name)
    return [
        imported
        for imported in imports(ast.parse(source))
        if imported.startswith("downslope.")
        and (layer(imported) not in LAYERS or LAYERS.index(layer(imported)) > LAYERS.index(own))
        and not any(name == a and imported.startswith(b) for a, b in EXCEPTIONS)
    ]


@pytest.mark.sampled
@pytest.mark.parametrize("name", [name for name in modules if name != "downslope"])
def test_imports_go_one_way(name):
    assert against_the_order(name, modules[name].read_text()) == []


def test_an_import_against_the_order_would_be_seen():
    for statement in (
        "from downslope.run import Run",
        "def f():\n    import downslope.minimization",
        "from downslope import minimize",
    ):
        assert against_the_order("downslope.methods.adam", statement)
    typed = "if TYPE_CHECKING:\n    from downslope.run import Run"
    assert not against_the_order("downslope.methods.adam", typed)
    assert not against_the_order("downslope.methods.adam", "from downslope.coefficients import coefficient")


def test_the_exceptions_are_needed():
    for importing, imported in EXCEPTIONS:
        assert any(found.startswith(imported) for found in imports(ast.parse(modules[importing].read_text())))


def test_every_module_has_a_layer():
    assert {layer(name) for name in modules if name != "downslope"} == set(LAYERS)


@each_module
def test_a_file_stays_short_and_says_what_it_is_about(name):
    source = modules[name].read_text()
    assert len(source.splitlines()) < 300
    assert ast.get_docstring(ast.parse(source))


def in_a_fresh_interpreter(code):
    """What `code` prints, with warnings as errors."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_importing_it_loads_little():
    code = """
import sys, time, numpy
before, began = set(sys.modules), time.perf_counter()
import downslope
seconds = time.perf_counter() - began
print(seconds, *(set(sys.modules) - before))
"""
    seconds, *loaded = in_a_fresh_interpreter(code)
    # The design allows 30 ms; a machine's load decides on that, the modules do not depend on it.
    print(f"import downslope: {1000 * float(seconds):.1f} ms after NumPy")
    assert not HEAVY & {module.split(".")[0] for module in loaded}
    assert {module for module in loaded if module.startswith("downslope")} == {"downslope"}
    assert len(loaded) <= 5


def test_what_is_light_to_use_stays_light():
    code = """
import sys, downslope
downslope.InvalidInput, downslope.Momentum(), downslope.Status, downslope.learning_rates.Constant(0.1)
print(*sys.modules)
"""
    loaded = {module.split(".")[0] for module in in_a_fresh_interpreter(code)}
    assert not (HEAVY - {"scipy"}) & loaded


@pytest.mark.slow
def test_a_run_loads_no_library_that_it_does_not_use():
    code = "import sys, downslope; downslope.minimize('x^2', 5.0); print(*sys.modules)"
    loaded = {module.split(".")[0] for module in in_a_fresh_interpreter(code)}
    assert not {"matplotlib", "torch", "sklearn", "pandas", "typer", "rich"} & loaded


def public_objects():
    """Every public name, and the public methods and properties that its class defines."""
    for name in downslope.__all__:
        value = getattr(downslope, name)
        yield name, value
        if inspect.isclass(value):
            for member, inner in vars(value).items():
                if not member.startswith("_") and (callable(inner) or isinstance(inner, property | classmethod)):
                    yield f"{name}.{member}", inner


@pytest.mark.slow
def test_every_public_name_is_listed_and_resolves():
    assert list(downslope.__all__) == sorted(downslope.__all__)
    assert set(downslope.__all__) <= set(dir(downslope))
    code = "from downslope import *; print(*(name for name in dir() if name[0] != '_'))"
    assert set(in_a_fresh_interpreter(code)) == set(downslope.__all__)
    with pytest.raises(AttributeError, match="no attribute 'minimise'"):
        _ = downslope.minimise


@pytest.mark.parametrize(("name", "value"), [pytest.param(n, v, id=n) for n, v in public_objects()])
def test_every_public_name_is_explained(name, value):
    if inspect.isclass(value) or inspect.isfunction(value):
        assert value.__doc__, f"{name} has a docstring of its own"
        assert not value.__doc__.startswith(f"{name.rpartition('.')[2]}("), "a dataclass's signature explains nothing"
    else:
        assert inspect.getdoc(value)


def tracked_files():
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no repository here: an unpacked archive")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_no_path_or_address_of_the_machine_it_was_written_on_is_kept():
    folders = "|".join(("work", "home", "root", "Users", "tmp"))
    machine = re.compile(rf"(?<![\w.~$)}}])/({folders})/\w|file://|index-url|https?://(10\.|192\.168\.)")
    for path in tracked_files():
        if path.suffix in {".png", ".parquet", ".svg"} or not path.is_file() or path == Path(__file__):
            continue  # this file spells out what it looks for
        found = machine.search(path.read_text(encoding="utf-8"))
        assert found is None, f"{path.relative_to(ROOT)}: {found.group()}"
