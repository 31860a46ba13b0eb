# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test hosts: real Linux hosts with systemd, for the role and its molecule scenarios.

    make hosts                             # all scenarios on fresh hosts, all removed afterwards
    make hosts ARGS="test -s install"      # one scenario (-s may be repeated)
    make hosts ARGS="up install"           # only bring the hosts of a scenario up, and leave them there
    make hosts ARGS="run ansible install -m ping"     # any command in that lab, on its hosts
    make hosts ARGS="shell"                # the same as a shell
    make hosts ARGS="down"                 # remove them
    make hosts ARGS="programs"             # only install podman, rpm and the like on this machine, where they are missing

Where there can be none, it says so and ends with 0. README.md beside this file says more.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from types import FrameType

from lab import images, machine, scenarios
from lab.machine import LabError
from lab.network import HERE, MOLECULE, ROOT, Lab, in_lab, timed

WARNINGS = ("-W", "ignore:Host management is deprecated", "-W", "ignore:AnsibleCollectionFinder has already been")
# Molecule's output is shown while it runs; pytest-ansible must not copy the collection into the checkout.
PYTEST = ("-s", "--ansible-unit-inject-only", "-p", "no:cacheprovider", *WARNINGS)
STANDIN = (
    "The RPM hosts are a STAND-IN: Debian binaries with real rpm, dnf and systemd. They are not Amazon Linux, and no other"
    " RPM distribution. With GD_EL_IMAGE a real one takes their place (tests/hosts/README.md)."
)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make hosts", description="Test hosts for the role agent.")
    actions = parser.add_subparsers(dest="action", required=True)
    test = actions.add_parser("test", help="run scenarios on fresh hosts")
    test.add_argument("-s", "--scenario", action="append", default=[], choices=scenarios.known())
    up = actions.add_parser("up", help="bring hosts up and leave them there")
    up.add_argument("scenario", nargs="*", default=["install"], help="whose hosts (default: install)")
    run = actions.add_parser("run", help="run a command in the lab of up")
    run.add_argument("command", nargs=argparse.REMAINDER)
    actions.add_parser("shell", help="a shell in the lab of up")
    actions.add_parser("down", help="remove the lab of up")
    actions.add_parser("programs", help="install what hosts and packages need on this machine")
    if not arguments or arguments[0].startswith("-") and arguments[0] not in ("-h", "--help"):
        arguments = ["test", *arguments]
    options = parser.parse_args(arguments)
    engine = os.environ.get("GD_ENGINE", "podman")
    why = machine.lacking(engine)
    if why is not None:
        print(f"LEFT OUT: the test hosts and all molecule scenarios of the role agent: {why}.", flush=True)
        return 0
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if options.action == "test":
            return run_scenarios(Lab("test", engine), options.scenario)
        return by_hand(Lab("hand", engine), options)
    except LabError as error:
        print(f"Test hosts: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run_scenarios(lab: Lab, chosen: list[str]) -> int:
    with lab.locked():
        lab.stop()
        try:
            start(lab)
            tests = [sys.executable, "-m", "pytest", *PYTEST, str(HERE)]
            return in_lab(lab, *tests, env={"GD_SCENARIOS": " ".join(chosen or scenarios.known())})
        finally:
            with timed("clean-up"):
                lab.stop()


def by_hand(lab: Lab, options: argparse.Namespace) -> int:
    """The lab that stays until it is taken down."""
    if options.action == "programs":
        machine.prepare(lab.engine)
        return 0
    if options.action == "down":
        lab.stop()
        return 0
    if options.action == "up":
        with lab.locked():
            if not lab.is_up:
                lab.stop()
                start(lab)
            play = MOLECULE / "default" / "create.yml"
            with timed("hosts"):
                return in_lab(lab, "ansible-playbook", play, env={"GD_SCENARIOS": " ".join(options.scenario)})
    if not lab.is_up:
        raise LabError("no hosts are up: make hosts ARGS=up")
    command = options.command if options.action == "run" else [os.environ.get("SHELL", "/bin/sh")]
    return in_lab(lab, *command)


def start(lab: Lab) -> None:
    with timed("programs"):
        machine.prepare(lab.engine)
    lab.start()
    if os.environ.get("GD_EL_IMAGE", images.EL_STANDIN) == images.EL_STANDIN:
        print(STANDIN, flush=True)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
