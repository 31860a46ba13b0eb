# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the bytecode of what modules import from the zip file that Ansible packs for each run.

Python reads this file at its start where its folder is on PYTHONPATH. It keeps the bytecode of a source file on disk, but not
that of a source in a zip file, which it compiles again in each process: a quarter of the time of a module. The key is the source
itself. Where zipimport lacks the function that is replaced, everything is compiled, as without this file.
"""

import _imp
import hashlib
import marshal
import os
import zipimport
from importlib.util import MAGIC_NUMBER

FOLDER = os.environ.get("FLEETSEC_BYTECODE")


def compiled(pathname, source):
    """The code of a source, as zipimport._compile_source returns it."""
    path = os.path.join(FOLDER, hashlib.sha256(MAGIC_NUMBER + source).hexdigest())
    try:
        with open(path, "rb") as stream:
            code = marshal.load(stream)
    except (OSError, EOFError, ValueError, TypeError):
        code = compile_source(pathname, source)
        with open(f"{path}.{os.getpid()}", "wb") as stream:
            marshal.dump(code, stream)
        os.replace(stream.name, path)
    _imp._fix_co_filename(code, pathname)
    return code


compile_source = getattr(zipimport, "_compile_source", None)
if FOLDER and compile_source:
    zipimport._compile_source = compiled
