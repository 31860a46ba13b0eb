# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: serve one emulated AWS from a fleet file."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .server import Server

_PARENT_POLL_SECONDS = 0.5


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    from .fleet import FleetError, parse_fleet

    try:
        fleet = parse_fleet(Path(options.fleet).read_text(encoding="utf-8"))
    except OSError as error:
        return _refuse(f"cannot read the fleet file {options.fleet}: {error.strerror}")
    except (FleetError, UnicodeDecodeError) as error:
        return _refuse(f"{options.fleet}: {error}")

    from .app import EmulatedAws
    from .server import Server

    try:
        server = Server(options.host, options.port, EmulatedAws(fleet, validate=options.validate))
    except FleetError as error:
        return _refuse(f"{options.fleet}: {error}")
    except OSError as error:
        return _refuse(f"cannot listen on {options.host}:{options.port}: {error.strerror}")
    _serve(server, options)
    return 0


def _serve(server: Server, options: argparse.Namespace) -> None:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        # From another thread, because shutdown() waits for the loop that this very thread runs.
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if options.exit_with_parent:
        threading.Thread(target=_watch_parent, args=(os.getppid(), server), daemon=True).start()
    if options.ready_file:
        # The socket listens since the server was made, so a client of the ready file waits at most for the loop.
        _write_ready(Path(options.ready_file), server.url)
    print(f"The emulated AWS answers at {server.url} (process {os.getpid()})", flush=True)
    server.serve_forever(poll_interval=0.2)
    server.server_close()
    if options.ready_file:
        with contextlib.suppress(FileNotFoundError):
            Path(options.ready_file).unlink()


def _watch_parent(parent: int, server: Server) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_POLL_SECONDS)
    server.shutdown()


def _write_ready(path: Path, url: str) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(json.dumps({"endpoint_url": url, "pid": os.getpid()}), encoding="utf-8")
    partial.replace(path)


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="emulated-aws", description="Serve an emulated AWS from a fleet file.")
    parser.add_argument("--fleet", required=True, metavar="FILE", help="the fleet file (YAML)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument("--ready-file", metavar="FILE", help="write {endpoint_url, pid} as JSON there once it answers")
    parser.add_argument("--exit-with-parent", action="store_true", help="stop when the process that started it ends")
    parser.add_argument("--validate", action="store_true", help="check every answer against botocore's output shapes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
