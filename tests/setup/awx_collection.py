# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put awx.awx into .cache/awx_collection: an index for Python has it only inside older releases of the ansible package.

    python3 -I tests/setup/awx_collection.py

Only that collection is unpacked. Costs nothing when it is there. Needs what environment.py leaves in .cache/bootstrap.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
HOME = CACHE / "awx_collection"
PIN = ROOT / "tests" / "requirements" / "awx-collection.txt"
PART = "ansible_collections/awx/awx/"


def main() -> str | None:
    HOME.mkdir(parents=True, exist_ok=True)
    with open(HOME / "lock", "w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        stamp = HOME / "stamp"
        wanted = PIN.read_text(encoding="utf-8")
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted and (HOME / PART).is_dir():
            return None
        stamp.unlink(missing_ok=True)
        shutil.rmtree(HOME / "ansible_collections", ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=HOME) as folder:
            pip = [str(CACHE / "bootstrap" / "bin" / "python"), "-I", "-m", "pip", "download", "-q", "--no-deps"]
            if subprocess.run([*pip, "-d", folder, "-r", str(PIN)], cwd=ROOT, check=False).returncode != 0:
                return "Cannot fetch awx.awx: is the package index reachable? pip's message is above."
            with zipfile.ZipFile(next(Path(folder).glob("ansible-*.whl"))) as wheel:
                wheel.extractall(HOME, [name for name in wheel.namelist() if name.startswith(PART)])
        stamp.write_text(wanted, encoding="utf-8")
    return None


if __name__ == "__main__":
    sys.exit(main())
