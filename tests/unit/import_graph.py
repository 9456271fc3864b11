"""Which module of a package imports which, read from the source, with imports inside functions and for types."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

# Names under which a module could be imported by a text that this file does not read.
DYNAMIC = {"importlib.import_module", "importlib", "runpy"}


@dataclass(frozen=True)
class Import:
    """One import statement's target.

    Args:
        importer: module that has it.
        target: module of the package, or the dotted name of something outside it.
        line: where.
        for_types: whether it stands under ``if TYPE_CHECKING`` and is never executed.
    """

    importer: str
    target: str
    line: int
    for_types: bool = False

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"


@dataclass(frozen=True)
class ImportGraph:
    """The modules of a package and their imports.

    Args:
        package: its name.
        modules: all of its modules, packages under their own name.
        imports: of all modules, in order.
    """

    package: str
    modules: frozenset[str]
    imports: tuple[Import, ...]

    def part(self, module: str) -> str:
        """Return the name right below the package, or the package's for itself and for what is outside it."""
        return module.split(".")[1] if module.startswith(f"{self.package}.") else module

    def chains(self, starts: Callable[[str], bool]) -> dict[str, list[str]]:
        """Return what the executed imports of some modules lead to, each with a shortest chain from one of them.

        A package's ``__init__`` counts where it is imported by name, not as the parent of what is.
        """
        chains = {module: [module] for module in sorted(self.modules) if starts(module)}
        assert chains, "nothing to start from"
        queue = list(chains)
        for module in queue:
            for one in self.imports:
                if one.importer == module and not one.for_types and one.target not in chains:
                    chains[one.target] = [*chains[module], one.target]
                    queue.append(one.target)
        return chains

    def reach(self, starts: Callable[[str], bool], forbidden: Callable[[str], bool]) -> list[str]:
        """Return a shortest chain of executed imports to a forbidden module; empty without one."""
        return next((chain for module, chain in self.chains(starts).items() if forbidden(module)), [])

    def circle(self) -> list[str]:
        """Return modules that import each other in a circle, also for types alone; empty without one."""
        graph = {module: set() for module in self.modules}
        for one in self.imports:
            if one.target in self.modules:
                graph[one.importer].add(one.target)
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            return error.args[1]
        return []

    def dynamic_importers(self) -> set[str]:
        """Return the modules that can import by a name made at run time."""
        return {one.importer for one in self.imports if one.target in DYNAMIC}


def read_graph(root: Path) -> ImportGraph:
    """Read a package from its folder."""
    files = {_module(path, root): path for path in sorted(root.rglob("*.py"))}
    imports = (one for module, path in files.items() for one in _imports(module, path, files))
    return ImportGraph(root.name, frozenset(files), tuple(imports))


def _module(path: Path, root: Path) -> str:
    parts = path.relative_to(root.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(module: str, path: Path, files: dict[str, Path]) -> Iterator[Import]:
    tree = ast.parse(path.read_text())
    under_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        for target in _targets(node, module, path, files):
            yield Import(module, target, node.lineno, id(node) in under_types)


def _targets(node: ast.AST, module: str, path: Path, files: dict[str, Path]) -> Iterator[str]:
    """Yield what one statement imports: a submodule where the name is one, else the module that has the name."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        source = node.module or ""
        if node.level:
            package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
            kept = package[: len(package) - node.level + 1]
            source = ".".join([*kept, source] if source else kept)
        for alias in node.names:
            name = f"{source}.{alias.name}"
            yield name if name in files or name in DYNAMIC else source
