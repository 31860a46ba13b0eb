# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a virtual environment of this checkout when it is not there yet, and run a command in it.

    python3 -I tests/setup/environment.py setup              # .venv: the demo and the tests
    python3 -I tests/setup/environment.py run ansible-lint   # the same, then a command in it
    python3 -I tests/setup/environment.py test -k tag        # the same, then pytest, with no way to a real AWS
    python3 -I tests/setup/environment.py --env lint run ansible-lint
    python3 -I tests/setup/environment.py find 3.12          # where a Python of this version is, if there is one

Needs nothing but Python itself: it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
COLLECTION = CACHE / "ansible_collections" / "fleetsec" / "guardduty"
REQUIREMENTS = ROOT / "tests" / "requirements"
EMULATED_AWS = ROOT / "tests" / "emulated_aws"
# Of the caller's shell only what names a proxy, an index or a certificate may reach the tests: a stray ANSIBLE_CONFIG,
# PYTHONPATH or AWS_PROFILE changes what is tested, and GIT_DIR is set inside a git hook.
FOREIGN = (
    *("ANSIBLE_", "AWS_", "BOTO_", "CONDA_", "EC2_REGION", "GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"),
    *("MOTO_", "MYPY", "PYTEST_", "PYTHON", "RUFF_", "VIRTUAL_ENV"),
)
# Port 9 answers nobody: a test that forgets its emulated AWS fails at once.
NO_AWS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
}
PYTEST = ("pytest", "-n", "2", "--dist", "worksteal")


# What the newest ansible-core needs, and amazon.aws in the releases that have event sources.
NEWER_PYTHON = (3, 12)


class SetupError(Exception):
    """One sentence for the person at the keyboard."""


class LeftOut(SetupError):
    """Tests that this machine cannot run: no mistake, but never silent."""


@dataclass(frozen=True)
class Environment:
    """One virtual environment: where it is, what is in it, and what proves that it is whole."""

    path: Path
    requirements: Path
    overrides: Path | None
    python: Path
    probes: tuple[str, ...]
    emulated_aws: bool

    @property
    def bin(self) -> Path:
        return self.path / "bin"

    def inputs(self) -> list[Path]:
        """The files whose content decides what is installed."""
        files = [Path(__file__), self.requirements, EMULATED_AWS / "pyproject.toml"]
        return [f for f in [*files, self.overrides] if f is not None and f.exists()]


def main(argv: list[str]) -> NoReturn:
    """Parse the command line; errors are one sentence."""
    parser = argparse.ArgumentParser(prog="environment.py", description="Set up this checkout, run a command in it.")
    parser.add_argument("--env", default="test", help="test (default), lint, hosts, eda, awx, core-X.Y, or newest")
    parser.add_argument("--python", help="the interpreter to build it with (default: the one that runs this)")
    parser.add_argument("action", choices=["setup", "run", "test", "find"])
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(argv)
    if options.action == "find":
        print(*interpreters(*options.command), sep="\n")
        sys.exit(0)
    try:
        environment = named(options.env, options.python)
        ensure(environment)
        if options.action == "setup":
            sys.exit(0)
        command = options.command or ["python"]
        variables = clean_variables(environment)
        if options.action == "test":
            command = [*PYTEST, *options.command]
            variables |= NO_AWS
        program = shutil.which(command[0], path=variables["PATH"])
        if program is None:
            raise SetupError(f"{command[0]} is not in {environment.path}: add it to {environment.requirements}")
        os.chdir(ROOT)
        sys.stdout.flush()
        os.execve(program, command, variables)
    except LeftOut as error:
        print(f"LEFT OUT: {error}", file=sys.stderr)
        sys.exit(0 if options.action == "test" and os.environ.get("CI") != "true" else 1)
    except (SetupError, OSError) as error:
        print(f"Set-up failed: {error}", file=sys.stderr)
        sys.exit(1)


def named(name: str, python: str | None) -> Environment:
    """The environments that exist: test, lint, hosts, eda, awx, one for each other ansible-core (core-2.20), newest.

    newest is that of the newest ansible-core which an interpreter of this machine can run.
    """
    # A virtual environment's own python is resolved to its base: .venv may be active and about to be created again.
    interpreter = Path(os.path.realpath(python or sys.executable))
    if name == "lint":
        return Environment(
            CACHE / "lint", REQUIREMENTS / "lint.txt", None, interpreter, ("ansible", "ansiblelint"), False
        )
    if name == "hosts":
        hosts = ("ansible", "boto3", "flask", "molecule", "moto", "pytest", "pytest_ansible")
        return Environment(CACHE / name, REQUIREMENTS / "hosts.txt", None, interpreter, hosts, True)
    if name == "eda":
        eda = ("aiobotocore", "ansible", "ansible_rulebook", "boto3", "flask", "moto", "pytest", "xdist")
        newer_one = newer(interpreter)
        if newer_one is None:
            raise LeftOut("the rulebooks are not tested, since no Python 3.12 or later was found on PATH or in pyenv.")
        return Environment(CACHE / name, REQUIREMENTS / "eda.txt", None, newer_one, eda, True)
    if name == "awx":
        return Environment(CACHE / name, REQUIREMENTS / "awx.txt", None, interpreter, ("ansible_builder",), False)
    if name == "newest":
        newer_one = newer(interpreter)
        newest = max(path.stem for path in REQUIREMENTS.glob("core-*.txt"))
        return named(newest if newer_one else "test", str(newer_one or interpreter))
    probes = ("ansible", "boto3", "flask", "moto", "pytest", "xdist")
    if name == "test":
        return Environment(ROOT / ".venv", REQUIREMENTS / "test.txt", None, interpreter, probes, True)
    overrides = REQUIREMENTS / f"{name}.txt"
    if not name.startswith("core-") or not overrides.exists():
        raise SetupError(f"there is no environment {name}: use test, lint, hosts, eda, awx or a core of {REQUIREMENTS}")
    return Environment(CACHE / name, REQUIREMENTS / "test.txt", overrides, interpreter, probes, True)


def newer(python: Path) -> Path | None:
    """This interpreter if it is new enough, or else one that is, of the path and of pyenv."""
    if succeeds([python, "-I", "-c", f"import ensurepip, sys; sys.exit(sys.version_info < {NEWER_PYTHON})"]):
        return python
    found = interpreters("3.13", "3.12", "3.14")
    return Path(os.path.realpath(found[0])) if found else None


def interpreters(*versions: str) -> list[Path]:
    """The first that can make a virtual environment of each of these versions that is there, of the path and of pyenv.

    A shim of pyenv is none: it runs the versions that are active, and exits with 127 for others.
    """
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    shims = [folder.parent for folder in folders if folder.name == "shims"]
    roots = [Path(os.environ["PYENV_ROOT"])] if os.environ.get("PYENV_ROOT") else []
    found = []
    for version in versions:
        name = f"python{version}"
        on_path = [folder / name for folder in folders if folder.name != "shims"]
        kept = [
            path
            for root in (*roots, Path.home() / ".pyenv", *shims)
            for path in root.glob(f"versions/{version}.*/bin/{name}")
        ]
        there = [one for one in (*on_path, *kept) if os.access(one, os.X_OK)]
        found += [one for one in there if succeeds([one, "-I", "-c", "import ensurepip, venv"])][:1]
    return found


def ensure(environment: Environment) -> None:
    """Bring the environment to what its files say; costs a few milliseconds when it is there."""
    with lock():
        link_collection()
        base, content = signature(environment)
        stamp = environment.path / ".stamp"
        stamped = stamp.read_text(encoding="utf-8").splitlines() if stamp.is_file() else []
        whole = stamped[:1] == [base] and is_whole(environment)
        if whole and stamped[1:] == [content]:
            return
        print(f"Setting up {environment.path.relative_to(ROOT)} ...", flush=True)
        started = time.monotonic()
        # No stamp while it changes: an interrupted set-up starts again.
        remove(stamp if whole else environment.path)
        install(environment)
        (site_packages(environment) / "checkout.pth").write_text(f"{CACHE}\n", encoding="utf-8")
        stamp.write_text(f"{base}\n{content}\n", encoding="utf-8")
        print(f"Set-up done in {time.monotonic() - started:.0f} s.", flush=True)


@contextmanager
def lock() -> Iterator[None]:
    """One set-up at a time in this checkout: a second make waits for the first."""
    if CACHE.is_symlink() or (CACHE.exists() and not CACHE.is_dir()):
        CACHE.unlink()
    CACHE.mkdir(exist_ok=True)
    with open(CACHE / "lock", "w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def link_collection() -> None:
    """Ansible and Python find a collection only below a directory ansible_collections/NAMESPACE."""
    target = os.path.relpath(ROOT, COLLECTION.parent)
    if COLLECTION.is_symlink() and os.readlink(COLLECTION) == target:
        return
    for parent in (COLLECTION.parent.parent, COLLECTION.parent):
        if parent.is_symlink() or (parent.exists() and not parent.is_dir()):
            remove(parent)
        parent.mkdir(parents=True, exist_ok=True)
    remove(COLLECTION)
    COLLECTION.symlink_to(target)
    # Ansible's own configuration of the caller must not be read, and /dev/null has no extension that it accepts.
    (CACHE / "ansible.cfg").write_text("", encoding="utf-8")


def signature(environment: Environment) -> tuple[str, str]:
    """Where the environment is, and what is in it.

    The path belongs to it: scripts of a virtual environment carry it, so a moved checkout needs new ones. The
    interpreter does not: one that works is kept when the caller's PATH finds another python3 today.
    """
    digest = hashlib.sha256()
    for file in environment.inputs():
        digest.update(file.read_bytes() + b"\0")
    return str(environment.path), digest.hexdigest()


def is_whole(environment: Environment) -> bool:
    """Notice an environment that lost files or its interpreter, without importing anything big."""
    python = environment.bin / "python"
    code = "import sys; from importlib.util import find_spec; sys.exit(not all(map(find_spec, sys.argv[1:])))"
    return python.exists() and succeeds([python, "-I", "-c", code, *environment.probes])


def site_packages(environment: Environment) -> Path:
    return next((environment.path / "lib").glob("python3*/site-packages"))


def install(environment: Environment) -> None:
    """Install the pinned packages with uv, or with pip where uv is not to be had (no wheel, another index)."""
    packages = ["-r", str(environment.requirements)]
    if environment.emulated_aws and (EMULATED_AWS / "pyproject.toml").exists():
        packages += ["-e", str(EMULATED_AWS)]
    overrides = ["-r", str(environment.overrides)] if environment.overrides else []
    uv = bootstrap_uv(environment)
    if uv is not None:
        pip: list[str | Path] = [uv, "pip", "install", "-q", "-p", environment.bin / "python", "--no-deps"]
        steps: list[list[str | Path]] = [[*pip, "--exact", *packages]]
        if overrides:
            steps.append([*pip, *overrides])
        if not environment.path.exists():
            steps.insert(0, [uv, "venv", "-q", "-p", environment.python, environment.path])
        # The system's certificates, as pip and apt use them: a company's own authority is only there.
        variables = os.environ | {"UV_PYTHON_DOWNLOADS": "never", "UV_SYSTEM_CERTS": "1"}
        if all(subprocess.run(step, env=variables, cwd=ROOT, check=False).returncode == 0 for step in steps):
            return
        print("uv could not do it; trying pip, which is slower.", flush=True)
    make_venv(environment.python, environment.path)
    pip_install(environment.path, ["--no-deps", *packages])
    if overrides:
        pip_install(environment.path, ["--no-deps", *overrides])


def bootstrap_uv(environment: Environment) -> Path | None:
    """Our own pinned uv in .cache: it installs everything in seconds where pip needs a minute and a half."""
    requirement = REQUIREMENTS / "bootstrap.txt"
    home = CACHE / "bootstrap"
    uv, stamp = home / "bin" / "uv", home / ".stamp"
    wanted = f"{home} {requirement.read_text(encoding='utf-8')}"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted and runs(uv):
        return uv
    remove(home)
    make_venv(environment.python, home)
    try:
        pip_install(home, ["-r", str(requirement)])
    except SetupError:
        return None
    if not runs(uv):
        return None
    stamp.write_text(wanted, encoding="utf-8")
    return uv


def runs(program: Path) -> bool:
    return program.exists() and succeeds([program, "--version"])


def succeeds(command: Sequence[str | Path]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def make_venv(python: Path, path: Path) -> None:
    """python -m venv; Debian ships it without pip unless python3-venv is installed."""
    remove(path)
    if not succeeds([python, "-I", "-c", "import ensurepip"]):
        install_debian_venv(python)
    if subprocess.run([python, "-I", "-m", "venv", path], check=False).returncode != 0:
        raise SetupError(f"{python} -m venv {path} did not work: see its message above")


def install_debian_venv(python: Path) -> None:
    package = f"{python.name}-venv" if python.name.startswith("python3.") else "python3-venv"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise SetupError(f"this Python has no ensurepip: run 'apt-get install {package}' as root, then make again")
    print(f"Installing Debian's {package} ...", flush=True)
    variables = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "-y", "--no-install-recommends", package]):
        command = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=600", *step]
        done = subprocess.run(command, env=variables, stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise SetupError(f"apt-get {' '.join(step)} failed: install {package} yourself, then make again")


def pip_install(path: Path, arguments: Sequence[str]) -> None:
    # Byte-compiling the ansible package costs a minute, and Python does it on demand.
    options = ["-q", "--no-compile", "--disable-pip-version-check"]
    command: list[str | Path] = [path / "bin" / "python", "-I", "-m", "pip", "install", *options, *arguments]
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise SetupError("pip could not install the packages: is the package index reachable? Its message is above")


def remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def clean_variables(environment: Environment) -> dict[str, str]:
    """The caller's variables without those that change what runs, of an AWS not even a profile."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
    # pyenv's shims of inactive versions exit 127, and Ansible's interpreter discovery picks them.
    path = [p for p in kept.get("PATH", os.defpath).split(os.pathsep) if p and not p.endswith("/.pyenv/shims")]
    local = "127.0.0.1,localhost"
    proxies = {name: ",".join(filter(None, (kept.get(name), local))) for name in ("NO_PROXY", "no_proxy")}
    return (
        kept
        | proxies
        | {
            "PATH": os.pathsep.join([str(environment.bin), *path]),
            "PYTHONPATH": str(CACHE),
            "PYTHONUNBUFFERED": "1",
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_CONFIG": str(CACHE / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(CACHE),
            "ANSIBLE_HOME": str(CACHE / "ansible"),
        }
    )


if __name__ == "__main__":
    main(sys.argv[1:])
