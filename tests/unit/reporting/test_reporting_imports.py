"""Reporting stays light: no torch anywhere, matplotlib for figures only, no pandas in what the DAG imports."""

import pkgutil
import subprocess
import sys

import uhn.reporting
import uhn.reporting.figures


def modules_after(*names):
    """Import modules in a fresh interpreter and return all that are loaded then."""
    code = f"import sys, {', '.join(names)}; print(*sys.modules)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_no_reporting_module_imports_torch():
    names = [f"uhn.reporting.{module.name}" for module in pkgutil.iter_modules(uhn.reporting.__path__)]
    assert len(names) >= 10
    loaded = modules_after("uhn.cli.report", *names)
    assert set(names) <= set(loaded)
    assert "pandas" in loaded
    assert not {"torch", "mlflow", "matplotlib"} & set(loaded)


def test_no_figure_module_imports_torch():
    names = [f"uhn.reporting.figures.{module.name}" for module in pkgutil.iter_modules(uhn.reporting.figures.__path__)]
    assert len(names) >= 10
    loaded = modules_after(*names)
    assert set(names) <= set(loaded)
    assert not {"torch", "mlflow", "matplotlib.pyplot"} & set(loaded)


def test_definitions_import_neither_pandas_nor_scipy():
    loaded = modules_after("uhn.reporting.table_definitions", "uhn.reporting.figure_definitions", "uhn.cli.report")
    assert "uhn.reporting.figure_definitions" in loaded
    assert not {"torch", "pandas", "numpy", "scipy", "matplotlib"} & set(loaded)
