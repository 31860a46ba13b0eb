# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures whole processes: CPU time and peak memory of a command with all its children, and the AWS calls that it made."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Run:
    """One run: seconds of CPU, seconds of wall-clock time, MiB at the peak of the largest process, calls by operation."""

    cpu: float
    wall: float
    memory: float
    calls: Mapping[str, int]


@dataclass
class Measured:
    """What one contender did for one piece of work."""

    work: str
    who: str
    size: int
    runs: list[Run] = field(default_factory=list)

    def median(self, what: str) -> float:
        return statistics.median(getattr(run, what) for run in self.runs)

    @property
    def calls(self) -> int:
        return sum(self.runs[0].calls.values())

    def plain(self) -> dict[str, object]:
        medians = {what: round(self.median(what), 3) for what in ("cpu", "wall", "memory")}
        return {
            "work": self.work,
            "who": self.who,
            "size": self.size,
            "median": medians,
            "runs": [*map(asdict, self.runs)],
        }


class Endpoint:
    """A running synthetic AWS."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def calls(self) -> dict[str, int]:
        """The calls since this was last asked."""
        with urllib.request.urlopen(f"{self.url}/_calls", timeout=30) as answer:
            return json.load(answer)


@contextmanager
def endpoint(**options: float) -> Iterator[Endpoint]:
    """A synthetic AWS in a process of its own."""
    arguments = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, str(HERE / "endpoint.py"), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            yield Endpoint(json.loads(process.stdout.readline())["port"])
        finally:
            process.stdin.close()
            process.wait(30)


def environment(folder: Path, url: str, inventory_plugin: str) -> dict[str, str]:
    """Nothing of the caller's; the same for every contender, but for the one inventory plugin that is loaded."""
    collections = os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".cache"))
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "AKIAEMULATEDCALLER00",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PYTHONPATH": collections,
        "ANSIBLE_COLLECTIONS_PATH": collections,
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_INVENTORY_PLUGINS": str(HERE / "plugins" / "inventory"),
        "ANSIBLE_INVENTORY_ENABLED": inventory_plugin,
        "ANSIBLE_LIBRARY": str(HERE / "plugins" / "modules"),
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
        "ANSIBLE_NOCOLOR": "true",
    }


def run(command: Sequence[str], folder: Path, aws: Endpoint, inventory_plugin: str) -> tuple[Run, str]:
    """Run a command of this environment to its end and take its measures; fails when the command does."""
    program = str(Path(sys.executable).with_name(command[0]))
    stdout, stderr = folder / "stdout", folder / "stderr"
    launcher = [sys.executable, "-I", "-S", str(HERE / "launch.py"), str(stdout), str(stderr)]
    aws.calls()
    launched = subprocess.run(
        [*launcher, program, *command[1:]],
        cwd=folder,
        env=environment(folder, aws.url, inventory_plugin),
        stdout=subprocess.PIPE,
        check=True,
    )
    taken = json.loads(launched.stdout)
    text = stdout.read_text(encoding="utf-8")
    if taken.pop("status"):
        raise RuntimeError(f"{' '.join(command)} failed:\n{text[-2000:]}\n{stderr.read_text(encoding='utf-8')[-4000:]}")
    return Run(**taken, calls=aws.calls()), text
