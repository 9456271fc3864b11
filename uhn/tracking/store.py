"""Opening an MLflow store: which locations can work, one writer at a time, errors in one line."""

from __future__ import annotations

import http.client
import logging
import os
import re
import shlex
import sqlite3
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from traceback import walk_tb
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from uhn.errors import UserError
from uhn.locks import LockFile

if TYPE_CHECKING:
    from mlflow import MlflowClient

# Goes before the address in config/config.yaml. An argument with a password would be seen by everyone.
URI_VARIABLE = "UHN_TRACKING_URI"

REMEDY = "choose another --tracking-uri (of the pipeline: make TRACKING=URI, or --config tracking_uri=URI)"

# Lock of stores that are not a file on this machine.
REMOTE_LOCK = Path("scratch/mlflow.lock")

# File systems on which SQLite's locks are known not to hold between machines.
NETWORK_FILESYSTEMS = {
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "fuse.glusterfs",
    "fuse.sshfs",
    "glusterfs",
    "gpfs",
    "lustre",
}
NETWORK_FILESYSTEMS |= {"nfs", "nfs4", "smb3", "smbfs"}

SCHEMES = {"sqlite", "http", "https", "postgresql", "mysql", "mssql"}

# Without it MLflow's pages are those for language-model traces.
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}

# What raises when a store fails; anything else is a mistake of ours and keeps its traceback.
STORE_LIBRARIES = {"mlflow", "sqlalchemy", "alembic", "sqlite3", "requests"}

REACH_TIMEOUT_S = 5


def database_path(uri: str) -> Path | None:
    """Return the file of a ``sqlite:`` URI, or None for a store elsewhere.

    Raises:
        UserError: the URI is of no kind that can hold tracked runs.
    """
    scheme = uri.partition("://")[0]
    if "://" not in uri or scheme.split("+")[0] not in SCHEMES:
        raise UserError(f"tracking URI {shown(uri)!r}: expected http(s)://HOST or a database, e.g. sqlite:///FILE")
    if not scheme.startswith("sqlite"):
        return None
    file = uri.partition("://")[2].partition("?")[0].removeprefix("/")
    if file in {"", ":memory:"}:
        raise UserError(f"tracking URI {uri!r} keeps nothing; name a file, e.g. sqlite:///FILE")
    return Path(file)


def network_filesystem(path: Path, mounts: str) -> str | None:
    """Tell the type of the network file system that holds a path.

    Args:
        path: an absolute path.
        mounts: the text of ``/proc/mounts``.

    Returns:
        The type, e.g. ``nfs4``, or None for a local file system.
    """
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[1]))
        if path.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), fields[2]
    return kind if kind in NETWORK_FILESYSTEMS else None


def check_database(path: Path) -> None:
    """Make the folder of a SQLite store and check that the store can be written and locked there.

    Raises:
        UserError: the folder or the file is not writable, or lies on a network file system.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path.parent}: cannot be made ({error.strerror}); {REMEDY}") from None
    if path.is_dir():
        raise UserError(f"{path}: is a folder, expected a database file; {REMEDY}")
    for target in (path.parent, path):
        if target.exists() and not os.access(target, os.W_OK):
            raise UserError(f"{target}: not writable; change its permissions or {REMEDY}")
    mounts = Path("/proc/mounts")
    kind = network_filesystem(path.resolve(), mounts.read_text(errors="surrogateescape")) if mounts.exists() else None
    if kind:
        raise UserError(
            f"{path}: lies on {kind}, where SQLite can lose data; {REMEDY}: sqlite:///FILE on a local disk or the http "
            "address of an MLflow server"
        )
    mlflow = find_spec("mlflow")
    if mlflow is None:
        raise UserError("the package mlflow is not installed; install requirements.txt, or set tracking_uri to none")
    if "%" in mlflow.origin:
        raise UserError(
            f"{mlflow.origin}: MLflow makes no database where its own folder has a % in its name; rename it, or "
            "choose the http address of an MLflow server as --tracking-uri"
        )


def check_server(uri: str) -> None:
    """Check that an MLflow server answers, with a short timeout (MLflow itself retries for minutes).

    Raises:
        UserError: nothing answers there.
    """
    address = re.sub(r"//.*@", "//", uri).rstrip("/")
    try:
        urllib.request.urlopen(f"{address}/health", timeout=REACH_TIMEOUT_S).close()
        return
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            return  # it wants a login, which MLflow takes from the environment
        why = error
    except (OSError, ValueError, http.client.HTTPException) as error:
        why = getattr(error, "reason", error)
    raise UserError(f"{shown(uri)}: no MLflow server answers ({without_secrets(str(why), uri)}); start it or {REMEDY}")


def shown(uri: str) -> str:
    """Return a URI without the credentials it may hold, in front of its host or among its options."""
    if uri.startswith("sqlite"):
        return uri
    parts = re.fullmatch(r"([\w+.-]+://)([^/?#@]*@)?([^?#@]*)(\?[^@]*)?", uri)
    if parts is None:  # it is not clear where the credentials end
        return f"{uri.partition('://')[0]}://***"
    start, user, place, options = parts.groups()
    return f"{start}{'***@' if user else ''}{place}{'?***' if options else ''}"


def without_secrets(text: str, uri: str) -> str:
    """Return a message of a library without the credentials of the URI, which it may quote."""
    if uri.startswith("sqlite"):
        return text
    text = text.replace(uri, shown(uri))
    for secret in [*re.findall(r"//[^:]*:(.*)@", uri), *re.findall(r"(?:password|token|secret)=([^&]+)", uri)]:
        text = text.replace(secret, "***").replace(unquote(secret), "***")
    return text


@contextmanager
def opened(uri: str) -> Iterator[tuple[MlflowClient, Path | None]]:
    """Open a store as its only writer.

    SQLite stores need this from the first moment: processes that create the schema together destroy it.

    Args:
        uri: the tracking URI.

    Yields:
        The client, and the folder for artifacts (None where the server decides).

    Raises:
        UserError: the location cannot work, or MLflow reports a failure.
    """
    database = database_path(uri)
    if database:
        check_database(database)
    elif uri.startswith("http"):
        check_server(uri)
    with (
        LockFile(database.with_name(database.name + ".lock") if database else REMOTE_LOCK, REMEDY) as lock,
        plain_errors(uri),
    ):
        lock.take()
        artifacts = database.parent.resolve() / "mlartifacts" if database else None
        if database and database.exists():
            bring_artifacts_along(database, artifacts)
        yield connect(uri), artifacts


def bring_artifacts_along(database: Path, artifacts: Path) -> None:
    """Point the experiments of a store that was moved or copied to the artifacts beside it.

    MLflow keeps absolute paths, of each experiment and of each run, and has no call that changes them.

    Args:
        database: a SQLite store.
        artifacts: the folder of its artifacts, as it is now.
    """
    with closing(sqlite3.connect(database)) as connection, connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchone():
            return
        query = "SELECT experiment_id, name, artifact_location FROM experiments"
        for experiment, name, old in connection.execute(query).fetchall():
            new = artifact_location(artifacts, name)
            tail = new.rpartition("/mlartifacts/")[2]
            if old == new or not (str(old).startswith("file:") and old.endswith(f"/mlartifacts/{tail}")):
                continue
            connection.execute(
                "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", (new, experiment)
            )
            connection.execute(
                "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?) "
                "WHERE experiment_id = ? AND substr(artifact_uri, 1, ?) = ?",
                (new, len(old) + 1, experiment, len(old), old),
            )


def artifact_location(artifacts: Path, experiment: str) -> str:
    """Return the address of an experiment's folder of artifacts."""
    return (artifacts / quote(experiment, safe="")).as_uri()


def connect(uri: str) -> MlflowClient:
    """Import MLflow quietly (no telemetry, no migration log, no run of the environment) and connect."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    os.environ.pop("MLFLOW_RUN_ID", None)
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    from mlflow import MlflowClient

    logging.getLogger("alembic").setLevel(logging.WARNING)
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


@contextmanager
def plain_errors(uri: str) -> Iterator[None]:
    """Turn failures of the store into one line for the user."""
    try:
        yield
    except UserError:
        raise
    except ModuleNotFoundError as error:
        raise UserError(f"{shown(uri)}: needs the package {error.name}; install it or {REMEDY}") from error
    except Exception as error:
        modules = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
        if isinstance(error, ValueError):  # of a variable of the environment that is MLflow's, say
            modules |= {frame.f_globals["__name__"].partition(".")[0] for frame, _ in walk_tb(error.__traceback__)}
        if not (modules & STORE_LIBRARIES or isinstance(error, OSError)):
            raise
        line = next((text.strip() for text in str(error).splitlines() if text.strip()), type(error).__name__)
        raise UserError(f"{shown(uri)}: {without_secrets(line, uri)}; repair the store or {REMEDY}") from error


def experiment_id(client: MlflowClient, uri: str, name: str, artifacts: Path | None) -> str:
    """Find or make an experiment.

    Args:
        client: the open store.
        uri: its address.
        name: name of the experiment.
        artifacts: folder for artifacts, or None where the server decides.

    Returns:
        The id of the experiment.

    Raises:
        UserError: an experiment of that name was deleted, which MLflow does not let anyone reuse.
    """
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        location = artifact_location(artifacts, name) if artifacts else None
        return client.create_experiment(name, artifact_location=location, tags=EXPERIMENT_TAGS)
    if experiment.lifecycle_stage != "active":
        command = f"MLFLOW_TRACKING_URI={shlex.quote(shown(uri))} {shlex.quote(sys.executable)} -m mlflow"
        raise UserError(
            f"experiment {name!r} was deleted in this store; {REMEDY}, or restore it: {command} experiments restore "
            f"-x {experiment.experiment_id}"
        )
    return experiment.experiment_id
