# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real ansible commands without the second that each of them needs to import Ansible and to pack modules.

This file is a program too: it imports Ansible once and forks for each command. Such a child is a process of its own, with its
own arguments, variables, folder and output, and runs the command's own script. Ansible reads C(ANSIBLE_*) and its configuration
file when it is imported, so that one parent serves the commands of one set of these variables. All its children share
Ansible's folder for temporary files, where packed modules lie.
"""

from __future__ import annotations

import atexit
import json
import os
import runpy
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path

PRELOADED = """
    ansible.cli.doc ansible.cli.inventory ansible.cli.playbook ansible.executor.process.worker ansible.module_utils.basic
    ansible.plugins.action.normal ansible.plugins.connection.local ansible.plugins.filter.core ansible.plugins.shell.sh
    ansible.plugins.strategy.linear ansible.plugins.test.core boto3 s3transfer.manager
"""
# What else is read when Ansible is imported
AT_IMPORT = ("COLUMNS", "LC_ALL", "PATH")
NUMBER = struct.Struct("i")


@cache
def home() -> str:
    """The ANSIBLE_HOME of all commands of this process."""
    path = tempfile.mkdtemp(prefix="ansible-home-")
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def run(
    command: Sequence[str], variables: Mapping[str, str], folder: Path, timeout: float
) -> subprocess.CompletedProcess[str]:
    """As subprocess.run with captured text and nothing to read; no ansible.cfg may be in the folder."""
    at_import = {name: v for name, v in variables.items() if name.startswith("ANSIBLE_") or name in AT_IMPORT}
    return parent(frozenset(at_import.items())).run(command, variables, folder, timeout)


@cache
def parent(variables: frozenset[tuple[str, str]]) -> WarmAnsible:
    started = WarmAnsible(dict(variables))
    atexit.register(started.stop)
    return started


class WarmAnsible:
    """A parent of ansible commands, which ends with the process that started it, whatever became of that."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, __file__]
            self._process = subprocess.Popen(
                command, stdin=theirs, stdout=subprocess.DEVNULL, env=dict(variables), cwd=home()
            )

    def stop(self) -> None:
        self._channel.close()
        self._process.wait(10)

    def run(
        self, command: Sequence[str], variables: Mapping[str, str], folder: Path, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Raises TimeoutExpired after C(timeout) seconds."""
        ours, theirs = os.pipe()
        with tempfile.TemporaryFile() as wanted, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            wanted.write(json.dumps([command, dict(variables), str(folder)]).encode())
            wanted.seek(0)
            socket.send_fds(self._channel, [b"."], [wanted.fileno(), out.fileno(), err.fileno(), theirs])
            os.close(theirs)
            with os.fdopen(ours, "rb", buffering=0) as answers:
                (child,) = NUMBER.unpack(answers.read(NUMBER.size))
                if not select.select([answers], [], [], timeout)[0]:
                    os.kill(child, signal.SIGKILL)
                    raise subprocess.TimeoutExpired(command, timeout)
                (status,) = NUMBER.unpack(answers.read(NUMBER.size))
            out.seek(0)
            err.seek(0)
            returncode = os.waitstatus_to_exitcode(status)
            return subprocess.CompletedProcess(command, returncode, out.read().decode(), err.read().decode())


def serve(channel: socket.socket) -> bool:
    """Start a process for each command that is asked for. True in such a process; false when nobody is left to ask."""
    while True:
        descriptors = socket.recv_fds(channel, 1, 4)[1]
        if not descriptors:
            return False
        if os.fork() == 0:
            channel.close()
            become_command(*descriptors)
            return True
        for descriptor in descriptors:
            os.close(descriptor)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def become_command(wanted: int, out: int, err: int, answers: int) -> None:
    """Fork once more: one process tells what becomes of the other, which is set up to run the command."""
    child = os.fork()
    if child:
        os.write(answers, NUMBER.pack(child))
        os.write(answers, NUMBER.pack(os.waitpid(child, 0)[1]))
        os._exit(0)
    with os.fdopen(wanted, "rb") as stream:
        sys.argv, variables, folder = json.load(stream)
    os.open(os.devnull, os.O_RDONLY)  # becomes 0: the channel was that
    os.dup2(out, 1)
    os.dup2(err, 2)
    for descriptor in (out, err, answers):
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    sys.path[0] = os.path.dirname(sys.argv[0])
    atexit.unregister(import_module("ansible.utils.path").cleanup_tmp_file)  # The parent does it


if __name__ == "__main__":
    for name in PRELOADED.split():
        import_module(name)
    if serve(socket.socket(fileno=0)):
        runpy.run_path(sys.argv[0], run_name="__main__")
