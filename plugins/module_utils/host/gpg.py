# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifies with gpg, in a separate keyring, that a pinned key made a detached signature."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Python 3.8 cannot evaluate it
    # Runs a command: its exit status, output and errors.
    Run = Callable[[list[str]], tuple[int, str, str]]

QUIET = ["--batch", "--no-tty", "--no-options", "--no-autostart", "--trust-model", "always", "--status-fd", "1"]
FULL_FINGERPRINT = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")
# gpg's status keywords for signatures that are not good (GnuPG, doc/DETAILS).
VERDICTS = {
    "BADSIG": "the signature does not match the package (BADSIG): one of the two was altered or truncated",
    "EXPSIG": "the signature has expired",
    "EXPKEYSIG": "the signing key has expired",
    "REVKEYSIG": "the signing key was revoked",
    "ERRSIG": "the signature cannot be checked",
}
# Signatures of binary and of text documents; other classes do not sign a file.
DOCUMENT_CLASSES = ("00", "01")


class NotProven(Exception):
    """Why a package could not be verified; a clause that starts in lower case."""


def normalise(fingerprint: str) -> str:
    """A fingerprint in gpg's format. ValueError for a short key ID, which is not unique."""
    text = "".join(fingerprint.split()).upper()
    text = text[2:] if text.startswith("0X") else text
    if not FULL_FINGERPRINT.fullmatch(text):
        raise ValueError(f"'{fingerprint}' is not a full fingerprint, which has 40 hexadecimal digits")
    return text


def prove(run: Run, gpg: str, ring: str, keys: str, signature: str, package: str, pinned: Sequence[str]) -> str:
    """The fingerprint of the primary key that signed C(package), one of C(pinned); NotProven otherwise.

    C(ring): an empty private directory for gpg's keyring. C(run): takes a list, returns (rc, stdout, stderr).
    """
    command = [gpg, "--homedir", ring, *QUIET]
    offered = [words[2] for words in _status(run([*command, "--import", keys])[1]) if words[0] == "IMPORT_OK"]
    if not offered:
        raise NotProven("the public key file contains no key")
    rc, out, err = run([*command, "--verify", signature, package])
    return judge(rc, _status(out), err, offered, pinned)


def judge(rc: int, lines: list[list[str]], err: str, offered: Sequence[str], pinned: Sequence[str]) -> str:
    """The same from gpg's output. A good result (rc 0, GOODSIG) is not proof: the key may have been replaced too."""
    counted = {
        word: [line for line in lines if line[0] == word] for word in (*VERDICTS, "NEWSIG", "GOODSIG", "VALIDSIG")
    }
    for word, meaning in VERDICTS.items():
        if counted[word]:
            missing = [line[1] for line in lines if line[0] == "NO_PUBKEY"]
            more = f": the signing key {missing[0]} is not in the public key file" if missing else ""
            raise NotProven(f"{meaning}{more}")
    valid = counted["VALIDSIG"]
    if rc != 0 or not valid or not len(counted["NEWSIG"]) == len(counted["GOODSIG"]) == len(valid):
        detail = next((line.strip() for line in reversed(err.splitlines()) if line.strip()), "gpg printed nothing")
        raise NotProven(f"the signature file contains no usable signature ({detail})")
    # VALIDSIG fingerprint date timestamp expiry version reserved algorithm hash class primary-fingerprint
    for line in valid:
        if len(line) < 11 or line[9] not in DOCUMENT_CLASSES:
            raise NotProven("the signature is not a signature of a file")
        if line[10] not in pinned:
            raise NotProven(
                f"it is signed by the key with the fingerprint {line[10]}, but only {' or '.join(pinned)} is pinned;"
                f" the public key file contains {', '.join(sorted(set(offered)))}"
            )
    return valid[0][10]


def _status(text: str) -> list[list[str]]:
    lines = (line.split() for line in text.splitlines() if line.startswith("[GNUPG:] "))
    return [words[1:] for words in lines if len(words) > 1]
