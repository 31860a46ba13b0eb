# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One lab: a network namespace with real host names and addresses of AWS in it, its servers, and what removes them.

The controller's commands run in the lab too (run_in): there, and only there, /etc/hosts knows the buckets, and the
emulated AWS answers.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.agent.packages import package

from . import artefacts, images, machine
from .machine import LabError, run

HERE = Path(__file__).resolve().parents[1]
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache" / "lab"
MOLECULE = ROOT / "extensions" / "molecule"
REGIONS = ("eu-west-1", "eu-central-1")
# Of this one only the proxy knows the names: nobody has a direct way.
BEHIND_PROXY = "us-west-2"
# The network is AWS's link-local one, so that IMDS has its real address without a route or a rule.
SUBNET, GATEWAY = "169.254.169.0/24", "169.254.169.1"
ENDPOINTS = "169.254.169.250"
AWS_PORT = 5555
START_SECONDS = 60
SECRET = "emulated-secret-that-appears-nowhere-else-4711"


@dataclass(frozen=True)
class Lab:
    """A lab of this checkout. Those of other names, and of other checkouts, do not meet it."""

    purpose: str
    engine: str = "podman"

    @property
    def name(self) -> str:
        return f"gd-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:6]}-{self.purpose}"

    @property
    def folder(self) -> Path:
        """In /run: it goes with the namespace at a reboot, and sockets below it have short names."""
        return Path("/run") / self.name

    @property
    def network(self) -> str:
        """Another name each time: podman remembers by it which addresses a killed run had."""
        file = self.folder / "network"
        return file.read_text(encoding="ascii") if file.exists() else ""

    @property
    def label(self) -> str:
        """What containers and networks of the lab carry."""
        return f"fleetsec.guardduty.lab={self.name}"

    @property
    def artefacts(self) -> Path:
        digest = hashlib.sha256()
        for file in [Path(artefacts.__file__), *sorted(artefacts.SOURCES.iterdir())]:
            digest.update(file.read_bytes())
        return CACHE / f"agent-{digest.hexdigest()[:12]}"

    @property
    def environment(self) -> dict[str, str]:
        """What every command in the lab gets."""
        home = self.folder / "home"
        return {
            **os.environ,
            "HOME": str(home),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            **({"CONTAINERS_CONF": str(self.folder / "containers.conf")} if self.engine == "podman" else {}),
            "GD_ENGINE": self.engine,
            "GD_LAB_NAME": self.name,
            "GD_LAB_NETWORK": self.network,
            "GD_LAB_DIR": str(self.folder),
            "GD_LAB_ARTEFACTS": str(self.artefacts),
            "GD_LAB_SERVERS": str(HERE / "servers"),
            "SSL_CERT_FILE": str(self.folder / "tls" / "bundle.pem"),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_INVENTORY": str(MOLECULE / "inventory"),
            "ANSIBLE_DEPRECATION_WARNINGS": "false",
            "ANSIBLE_HOST_KEY_CHECKING": "false",
            "AWS_ENDPOINT_URL": f"http://{GATEWAY}:{AWS_PORT}",
            "AWS_ACCESS_KEY_ID": "AKIAEMULATEDCALLER00",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": REGIONS[0],
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(home / "aws-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(home / "aws-credentials"),
        }

    @property
    def is_up(self) -> bool:
        return (self.folder / "up").exists()

    def command(self, *command: str | Path) -> list[str]:
        """The command, run in the lab: its network, and an /etc/hosts that nobody else sees.

        nsenter, not "ip netns exec": that one mounts /sys again, and the cgroups are gone.
        """
        inside = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"']
        return [*self._network(), *inside, str(self.folder / "hosts"), *map(str, command)]

    def _network(self) -> list[str]:
        return [] if self.engine == "docker" else ["nsenter", f"--net=/run/netns/{self.name}"]

    def start(self) -> None:
        """Everything but the hosts: files, images, packages, network, emulated AWS."""
        self.folder.mkdir(mode=0o755)
        for name in ("bin", "home", "networks", "ssh", "tls", "buckets"):
            (self.folder / name).mkdir()
        conf = self.folder / "containers.conf"
        conf.write_text(machine.containers_conf(self.folder / "networks"), encoding="utf-8")
        with timed("images"):
            images.build(self.engine, self.environment)
        with timed("agent packages"):
            self._fill_buckets()
        with timed("network and servers"):
            self._name_addresses()
            make_certificates(self.folder / "tls")
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / "ssh" / "id")
            self._make_network()
            self._start_aws()
            if self.engine == "podman":
                self._lead_podman_out()
        (self.folder / "up").touch()

    def _fill_buckets(self) -> None:
        if not self.artefacts.exists():
            CACHE.mkdir(parents=True, exist_ok=True)
            for old in CACHE.glob("agent-*"):
                shutil.rmtree(old)
            artefacts.build(self.artefacts)
        for region in (*REGIONS, BEHIND_PROXY):
            for kind in ("rpm", "deb"):
                row = package(region, "x86_64", kind, artefacts.GOOD[0])
                # The path is the server's: its container has the packages there.
                (self.folder / "buckets" / row["bucket"]).symlink_to(f"/artefacts/{kind}")

    def _name_addresses(self) -> None:
        """The names that hosts and controller find in the lab, for /etc/hosts."""
        regions = {bucket.name: region_of(bucket.name) for bucket in self.buckets()}
        names = [f"{name}.s3.{region}.amazonaws.com" for name, region in regions.items() if region in REGIONS]
        names += [f"guardduty-data{variant}.{region}.amazonaws.com" for region in REGIONS for variant in ("", "-v2")]
        (self.folder / "names.json").write_text(json.dumps(dict.fromkeys(names, ENDPOINTS), indent=2), encoding="utf-8")
        lines = "".join(f"{ENDPOINTS}\t{name}\n" for name in names)
        (self.folder / "hosts").write_text(Path("/etc/hosts").read_text(encoding="utf-8") + lines, encoding="utf-8")

    def buckets(self) -> list[Path]:
        return sorted((self.folder / "buckets").iterdir())

    def _make_network(self) -> None:
        if self.engine == "podman":
            run("ip", "netns", "add", self.name)
            run("ip", "-n", self.name, "link", "set", "lo", "up")
        (self.folder / "network").write_text(f"{self.name}-{secrets.token_hex(3)}", encoding="ascii")
        options = ["--internal", "--subnet", SUBNET, "--gateway", GATEWAY, "--label", self.label]
        # One aardvark-dns serves the whole machine: it must not look for the lab's addresses outside the lab.
        options += ["--disable-dns"] if self.engine == "podman" else []
        run(*self._network(), self.engine, "network", "create", *options, self.network, env=self.environment)

    def _start_aws(self) -> None:
        """In a namespace of its own it listens everywhere: the gateway's address comes with the first host."""
        ready = self.folder / "aws.json"
        host = "0.0.0.0" if self.engine == "podman" else GATEWAY
        options = [
            "--fleet",
            HERE / "fleet.yml",
            "--host",
            host,
            "--port",
            AWS_PORT,
            "--ready-file",
            ready,
            "--validate",
        ]
        command = [*self._network(), sys.executable, "-m", "emulated_aws", *map(str, options)]
        log = self.folder / "aws.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise LabError(f"the emulated AWS did not start: {log.read_text(encoding='utf-8').strip()}")
            time.sleep(0.1)
        (self.folder / "aws.pid").write_text(str(process.pid), encoding="ascii")

    def _lead_podman_out(self) -> None:
        """podman's mounts must be seen by all, or no later podman can remove what an earlier one made."""
        podman = self.folder / "bin" / "podman"
        pid = (self.folder / "aws.pid").read_text(encoding="ascii")
        text = f'#!/bin/sh\nexec nsenter --target {pid} --mount --net {shutil.which("podman")} "$@"\n'
        podman.write_text(text, encoding="utf-8")
        podman.chmod(0o755)

    def stop(self) -> None:
        """Remove all that start() and the playbooks made, also what a killed run left; nothing there is fine."""
        if shutil.which(self.engine) is None:
            return
        # Without the namespace (a reboot) podman could not take a container's network away; an empty one will do.
        if self.engine == "podman" and not self._netns().exists():
            if not self.folder.exists() and not self._made("ps", "-aq"):
                return
            run("ip", "netns", "add", self.name)
        containers = self._made("ps", "-aq")
        if containers:
            run(*self._network(), self.engine, "rm", "-f", *self._at_once(), *containers, env=self._bare())
        self._stop_processes()
        if self.engine == "podman":
            # podman's networks of the lab are files in its folder, and bridges in its namespace
            run("ip", "netns", "del", self.name)
        else:
            for network in self._made("network", "ls", "-q"):
                run(self.engine, "network", "rm", network)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _at_once(self) -> tuple[str, ...]:
        return ("-t", "0") if self.engine == "podman" else ()

    def _bare(self) -> dict[str, str]:
        """The engine's surroundings, also when the folder is gone."""
        environment = self.environment
        if not (self.folder / "containers.conf").exists():
            environment.pop("CONTAINERS_CONF", None)
        return environment | {"HOME": os.environ.get("HOME", "/root"), "PATH": os.environ["PATH"]}

    def _made(self, *listing: str) -> list[str]:
        return run(self.engine, *listing, "--filter", f"label={self.label}", env=self._bare()).stdout.split()

    def _netns(self) -> Path:
        return Path("/run/netns") / self.name

    def _stop_processes(self) -> None:
        """All that still runs in the lab's namespace was started for it; in docker's case that is the emulated AWS."""
        pids: list[int] = []
        if self.engine == "podman":
            pids = [int(pid) for pid in run("ip", "netns", "pids", self.name).stdout.split()]
        elif (self.folder / "aws.pid").exists():
            pids = [int((self.folder / "aws.pid").read_text(encoding="ascii"))]
        for pid in pids:
            if pid != os.getpid():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One at a time: a second run of the same lab would take the first one's hosts away."""
        with open(f"/run/{self.name}.lock", "w", encoding="ascii") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("Another run has this checkout's test hosts; waiting for it ...", flush=True)
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def region_of(bucket: str) -> str:
    return next(region for region in (*REGIONS, BEHIND_PROXY) if f"-{region}-" in bucket)


def make_certificates(folder: Path) -> None:
    """A certificate authority for one run, S3's wildcard certificates under it, and a bundle for the controller."""
    names = [f"DNS:*.s3.{region}.amazonaws.com" for region in (*REGIONS, BEHIND_PROXY)]
    names += [f"DNS:*.{region}.amazonaws.com" for region in REGIONS]
    (folder / "names").write_text(f"subjectAltName={','.join(names)}\n", encoding="ascii")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    authority = (
        "-x509",
        "-days",
        "7",
        "-subj",
        "/CN=fleetsec.guardduty test lab",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
    )
    run("openssl", "req", *key, *authority, cwd=folder)
    run("openssl", "req", *key, "-subj", "/CN=test lab", "-keyout", "server.key", "-out", "server.csr", cwd=folder)
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "7", "-extfile", "names")
    run("openssl", "x509", "-req", "-in", "server.csr", *signed, "-out", "server.pem", cwd=folder)
    system = Path("/etc/ssl/certs/ca-certificates.crt")
    known = system.read_text(encoding="utf-8") if system.exists() else ""
    (folder / "bundle.pem").write_text(known + (folder / "ca.pem").read_text(encoding="utf-8"), encoding="utf-8")


@contextlib.contextmanager
def timed(what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    print(f"{what:<22} {time.monotonic() - started:5.1f} s", flush=True)


def in_lab(lab: Lab, *command: str | Path, env: Mapping[str, str] | None = None) -> int:
    """Run a command in the lab with the caller's screen; its exit code."""
    return subprocess.run(lab.command(*command), env=lab.environment | (env or {}), cwd=ROOT, check=False).returncode
