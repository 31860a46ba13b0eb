# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a detached signature is by a pinned key, by gpg in a key ring of its own."""

from __future__ import annotations

import re

QUIET = ["--batch", "--no-tty", "--no-options", "--no-autostart", "--trust-model", "always", "--status-fd", "1"]
FULL_FINGERPRINT = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")
# What gpg's status lines say of a signature that is not good (GnuPG, doc/DETAILS).
VERDICTS = {
    "BADSIG": "the signature does not fit the package (BADSIG): one of the two was altered or cut short",
    "EXPSIG": "the signature has expired",
    "EXPKEYSIG": "the key that made the signature has expired",
    "REVKEYSIG": "the key that made the signature was revoked",
    "ERRSIG": "the signature cannot be checked",
}
# Of a binary document, and of a text: other kinds of signatures say nothing about a file.
DOCUMENT_CLASSES = ("00", "01")


class NotProven(Exception):
    """Why a package is not proven; a clause that starts small."""


def normalise(fingerprint):
    """A fingerprint as gpg says it. ValueError for a short key id: another key may have the same."""
    text = "".join(fingerprint.split()).upper()
    text = text[2:] if text.startswith("0X") else text
    if not FULL_FINGERPRINT.fullmatch(text):
        raise ValueError(f"'{fingerprint}' is no full fingerprint: it has 40 hexadecimal digits")
    return text


def prove(run, gpg, ring, keys, signature, package, pinned):
    """The primary fingerprint that signed C(package), one of C(pinned); NotProven otherwise.

    C(ring) is an empty private folder for gpg's key ring; C(run) takes a list and gives (rc, stdout, stderr).
    """
    command = [gpg, "--homedir", ring, *QUIET]
    offered = [words[2] for words in _status(run([*command, "--import", keys])[1]) if words[0] == "IMPORT_OK"]
    if not offered:
        raise NotProven("the public key file holds no key")
    rc, out, err = run([*command, "--verify", signature, package])
    return judge(rc, _status(out), err, offered, pinned)


def judge(rc, lines, err, offered, pinned):
    """The same from gpg's answer. That gpg is content (rc 0, GOODSIG) proves nothing: the key may have been swapped as well."""
    counted = {
        word: [line for line in lines if line[0] == word] for word in (*VERDICTS, "NEWSIG", "GOODSIG", "VALIDSIG")
    }
    for word, meaning in VERDICTS.items():
        if counted[word]:
            missing = [line[1] for line in lines if line[0] == "NO_PUBKEY"]
            more = f": the key {missing[0]} that made it is not in the public key file" if missing else ""
            raise NotProven(f"{meaning}{more}")
    valid = counted["VALIDSIG"]
    if rc != 0 or not valid or not len(counted["NEWSIG"]) == len(counted["GOODSIG"]) == len(valid):
        detail = next((line.strip() for line in reversed(err.splitlines()) if line.strip()), "gpg said nothing")
        raise NotProven(f"the signature file holds no usable signature ({detail})")
    # VALIDSIG fingerprint date timestamp expiry version reserved algorithm hash class primary-fingerprint
    for line in valid:
        if len(line) < 11 or line[9] not in DOCUMENT_CLASSES:
            raise NotProven("the signature is not one over a file")
        if line[10] not in pinned:
            raise NotProven(
                f"it is signed by the key with the fingerprint {line[10]}, and pinned is {' or '.join(pinned)};"
                f" the public key file holds {', '.join(sorted(set(offered)))}"
            )
    return valid[0][10]


def _status(text):
    lines = (line.split() for line in text.splitlines() if line.startswith("[GNUPG:] "))
    return [words[1:] for words in lines if len(words) > 1]
