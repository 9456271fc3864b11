"""Table 7 of the fixtures as it is printed."""

import json

import yaml
from synthetic_results import record, write

from uhn.reporting.publish_table import publish_table

LABEL = "demo scale: reduced generator and schedule, not comparable with the paper"


def publish(config, runs, **changes):
    out = runs.parent / "out"
    return publish_table(
        7, **{"folder": runs, "out": out, "scale": "demo", "scale_label": LABEL, "config": config, **changes}
    )


def texts(config, runs, **changes):
    paths = publish(config, runs, **changes).paths
    return {path.suffix[1:]: path.read_text() for path in paths}


def fields(text):
    """The fields of a Markdown table by row label and heading."""
    table = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {line[0]: dict(zip(table[0], line, strict=True)) for line in table[2:]}


def at_paper_scale(config, runs, **changes):
    """The texts of the table with the same runs at a scale that is comparable with the paper."""
    change_runs(runs, lambda data: data.update(scale="paper"))
    return texts(config, runs, scale="paper", scale_label="paper scale: everything", **changes)


def lines_of(text):
    """The lines of a Markdown table by (row, method), the row's label repeated."""
    table = [line[2:-2].split(" | ") for line in text.splitlines() if line.startswith("| ")]
    found, row = {}, ""
    for fields in table[2:]:
        line = dict(zip(table[0], fields, strict=True))
        row = fields[0] or row
        found[row, line.get("Method", "")] = line
    return found


def change_runs(runs, change):
    paths = sorted(runs.rglob("result.json"))
    assert paths
    for path in paths:
        data = json.loads(path.read_text())
        change(data)
        write(runs, data)


def more_methods(config, runs, count):
    """Give table 7 ``count`` further methods and remove what does not concern them."""
    path = config / "tables" / "table_07.yaml"
    data = yaml.safe_load(path.read_text())
    for name in [f"other{k}" for k in range(count)]:
        data["columns"].append({"id": name, "label": name, "variant": name, "metric": "test/rmse"})
        with (config / "paper.csv").open("a") as file:
            for setting in ("kan_kv", "kan_jv"):
                file.write(f"7,{setting},{name},metric,,,3,,unknown\n")
                for seed in (1, 2, 3):
                    write(runs, record(setting, name, seed, 0.02 + seed * 0.001))
    path.write_text(yaml.safe_dump(data))
