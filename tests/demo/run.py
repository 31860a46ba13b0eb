# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo: one roll-out of the agent over an emulated fleet, from uncovered to covered.

    make demo                   # before, what would change, the run, after
    make demo ARGS=--shell      # the same, then a shell in which every command reaches the emulated AWS only

Everything stays on this machine. The emulated AWS stops with the demo.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
FLEET = ROOT / "tests" / "fleets" / "demo.yml"
OUTPUT = ROOT / ".cache" / "demo"
ACCOUNTS = ("111111111111", "222222222222", "333333333333")
VARIABLES = {
    "regions": ["eu-west-1", "eu-central-1"],
    "assume_role_arns": [f"arn:aws:iam::{account}:role/FleetSec" for account in ACCOUNTS],
    "create_detectors": True,
    "dns_attributes": True,
    "max_concurrency": "100%",
    "coverage_interval": 1,
    "coverage_timeout": 120,
    "report_dir": str(OUTPUT),
}
KEPT = ("LANG", "LC_ALL", "NO_COLOR", "TERM", "TMPDIR")
START_SECONDS = 60


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="demo", description="Roll Runtime Monitoring out over an emulated fleet.")
    parser.add_argument("--fleet", type=Path, default=FLEET, help="another fleet file (default: tests/fleets/demo.yml)")
    parser.add_argument("--shell", action="store_true", help="open a shell in the emulated AWS afterwards")
    options = parser.parse_args(arguments)
    strangers = sorted(name for name in os.environ if name.startswith(("AWS_", "BOTO_")))
    if strangers:
        print(
            f"The demo does not start while {', '.join(strangers)} would reach it: they could lead to a real AWS account."
            " Unset them, or use 'make demo', which does it for you.",
            file=sys.stderr,
        )
        return 2
    OUTPUT.mkdir(parents=True, exist_ok=True)
    variables = OUTPUT / "variables.json"
    variables.write_text(json.dumps(VARIABLES, indent=2), encoding="utf-8")
    started = time.monotonic()
    title("GuardDuty Runtime Monitoring, rolled out over an emulated fleet")
    print("A retailer's three accounts and two regions, on an emulated AWS on this machine.")
    print("Nothing here touches a real AWS. What runs is the playbook that you would run:")
    print("\n    ansible-playbook fleetsec.guardduty.rollout -e @variables.json\n", flush=True)
    with emulated_aws(options.fleet) as endpoint_url, tempfile.TemporaryDirectory() as home:
        environment = clean_environment(endpoint_url, Path(home))
        outcome = playbook("rollout", variables, environment)
        title(f"Done in {time.monotonic() - started:.0f} seconds" if outcome == 0 else "The roll-out did not end well")
        if outcome == 0:
            try_next()
        if options.shell:
            shell(environment, variables)
    return outcome


@contextmanager
def emulated_aws(fleet: Path) -> Iterator[str]:
    """An emulated AWS on a free port of the loopback interface, for as long as the block runs."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.json"
        command = [
            sys.executable,
            "-m",
            "emulated_aws",
            "--fleet",
            str(fleet),
            "--port",
            "0",
            "--ready-file",
            str(ready),
        ]
        log = (OUTPUT / "emulated-aws.log").open("w", encoding="utf-8")
        server = subprocess.Popen([*command, "--exit-with-parent"], stdout=log, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not ready.exists():
                if server.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"The emulated AWS did not start: {Path(log.name).read_text(encoding='utf-8').strip()}")
                time.sleep(0.05)
            yield json.loads(ready.read_text(encoding="utf-8"))["endpoint_url"]
        finally:
            server.terminate()
            server.wait(15)
            log.close()


def clean_environment(endpoint_url: str, home: Path) -> dict[str, str]:
    """Without the caller's AWS settings; every AWS client uses the loopback interface."""
    if urlsplit(endpoint_url).hostname != "127.0.0.1":
        sys.exit(f"The emulated AWS answers at {endpoint_url}, which is not this machine; the demo stops here.")
    return {
        **{name: os.environ[name] for name in KEPT if name in os.environ},
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '/usr/bin:/bin')}",
        "HOME": str(home),
        "COLUMNS": "80",
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": "AKIAEMULATEDDEMO0000",
        "AWS_SECRET_ACCESS_KEY": "emulated-demo-secret-that-appears-nowhere-else",
        "AWS_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(home / "aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "aws-credentials"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache"),
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        # amazon.aws 10.x still uses what ansible-core has deprecated; nothing that a reader of the demo can act on
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
        "ANSIBLE_DISPLAY_OK_HOSTS": "false",
        "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
    }


def playbook(name: str, variables: Path, environment: dict[str, str]) -> int:
    command = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        f"fleetsec.guardduty.{name}",
        "-e",
        f"@{variables}",
    ]
    return subprocess.run(command, env=environment, cwd=OUTPUT, check=False).returncode


def shell(environment: dict[str, str], variables: Path) -> None:
    """A shell for the curious, with an inventory file at hand."""
    source = {"plugin": "fleetsec.guardduty.ec2", **{key: VARIABLES[key] for key in ("regions", "assume_role_arns")}}
    (OUTPUT / "fleet.guardduty.yml").write_text(json.dumps(source, indent=2), encoding="utf-8")
    print("\nA shell in the emulated AWS; leave it with 'exit'. Try:\n")
    print("    ansible-inventory -i fleet.guardduty.yml --graph")
    print(f"    ansible-playbook fleetsec.guardduty.audit -e @{variables.name}")
    print(f"    ansible-playbook fleetsec.guardduty.rollout -e @{variables.name} --check --diff\n", flush=True)
    verbose = {**environment, "ANSIBLE_DISPLAY_OK_HOSTS": "true", "PS1": "(emulated AWS) $ "}
    subprocess.run([os.environ.get("SHELL", "/bin/sh")], env=verbose, cwd=OUTPUT, check=False)


def title(text: str) -> None:
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() and "NO_COLOR" not in os.environ else ("", "")
    print(f"\n{bold}{text}{plain}\n{'-' * len(text)}", flush=True)


def try_next() -> None:
    report = OUTPUT / "report.html"
    if report.exists():
        print(f"The report that a security lead opens first: {report.relative_to(ROOT)}")
    print("What is left is named above with its remedy. Try next:\n")
    print("    make demo ARGS=--shell    explore the fleet: inventory, audit, check mode")
    print("    $EDITOR tests/fleets/demo.yml && make demo      change the fleet, see it again")
    print("    README.md                 run it on your own accounts, read-only first\n", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
