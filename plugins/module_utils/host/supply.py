# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches packages, verifies their signature and identity, and only then publishes them in the cache."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import gpg, identity
from .cache import Cache, Unusable, is_plain
from .download import MIB, NotFetched, fetch

if TYPE_CHECKING:  # Python 3.8 cannot evaluate it
    # A row of the module's options or of its result.
    Row = dict[str, Any]

# The agent's packages are tens of megabytes large.
LIMITS = {"package": 512 * MIB, "signature": MIB // 16, "public_key": MIB // 4}
KEYS = "publickey.pem"
S3 = "s3://"
# Both become names of directories and files.
VERSION = re.compile(r"[0-9][0-9A-Za-z.+~-]*")
FILE = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+~_-]*")


class Supplier:
    """C(run): runs a command. C(options): the module's options."""

    def __init__(self, run: gpg.Run, program: str, cache: Cache, options: Mapping[str, Any]) -> None:
        self.run, self.gpg, self.cache, self.options = run, program, cache, options
        self.pinned = [gpg.normalise(one) for one in options["fingerprints"]]
        self.hashes = [one.lower() for one in options["sha256"]]
        self.warnings: list[str] = []

    def supply(self, rows: Sequence[Row]) -> list[Row]:
        """A result for each package of the rows. Several rows of one package are alternative sources, tried in order."""
        sources: dict[tuple[str, str, str], list[Row]] = {}
        for row in rows:
            sources.setdefault((row["version"], row["format"], row["architecture"]), []).append(row)
        return [self._one(some) for some in sources.values()]

    def _one(self, sources: Sequence[Row]) -> Row:
        result = {key: sources[0][key] for key in ("version", "format", "architecture", "name")}
        result.update(path=None, sha256=None, size=None, fingerprint=None, downloaded=False, failed=False, msg="")
        result["optional"] = all(row["optional"] for row in sources)
        version, name = result["version"], f"{result['format']}-{result['architecture']}"
        try:
            if not VERSION.fullmatch(version) or not FILE.fullmatch(result["name"]):
                raise NotFetched(f"'{version}' or '{result['name']}' is not a valid version or file name.")
            patience = self.options["timeout"] * (self.options["retries"] + 1)
            with self.cache.prepared(version, name, patience) as folder:
                proof = self._cached(result, name, folder)
                if proof is None:
                    proof = self._fetched(sources, folder)
                    result["downloaded"] = True
                    if self.cache.keep:
                        self.cache.publish(os.path.join(folder, "new"), version, name)
            result.update(proof, path=os.path.join(self.cache.place(version, name), result["name"]))
        except (NotFetched, Unusable) as error:
            result.update(failed=True, downloaded=False, msg=f"Fetching {result['name']} failed: {error}")
            result["s3"] = any(_from_s3(row) for row in sources)
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            text = f"Saving {result['name']} in {self.cache.root} failed: {error.strerror}{where}. Free space, or set cache_dir."
            result.update(failed=True, downloaded=False, msg=text)
        return result

    def _cached(self, row: Row, name: str, folder: str) -> Row | None:
        """The proof of the cached package, or None. A bad one is deleted."""
        version, file = row["version"], row["name"]
        place = self.cache.place(version, name)
        if not os.path.lexists(place):
            return None
        try:
            package, signature, keys = (os.path.join(place, one) for one in (file, f"{file}.sig", KEYS))
            if os.path.islink(place) or not all(map(is_plain, (package, signature, keys))):
                raise gpg.NotProven("it is incomplete or a link")
            return self._proof(row, package, signature, keys, os.path.join(folder, "cached"))
        except gpg.NotProven as error:
            self.warnings.append(f"The cached {file} is fetched again: {error}.")
            if self.cache.keep:
                self.cache.discard(version, name)
            return None

    def _fetched(self, sources: Sequence[Row], folder: str) -> Row:
        """The proof of the package in the directory C(new), from the first source that has a good one."""
        failures = []
        for row in sources:
            try:
                return self._by(row, folder)
            except NotFetched as error:
                failures.append(str(error))
            except gpg.NotProven as error:
                failures.append(
                    f"{row['package']} was rejected: {error}. Do not install it. Find out who can write to the source."
                )
        raise NotFetched(" ".join(dict.fromkeys(failures)))

    def _by(self, row: Row, folder: str) -> Row:
        if _from_s3(row):
            raise NotFetched("Only the action plugin of agent_package reads S3. Run the module as a task.")
        new = os.path.join(folder, "new")
        os.makedirs(new, mode=0o700, exist_ok=True)
        file = os.path.join(new, row["name"])
        targets = {"package": file, "signature": f"{file}.sig", "public_key": os.path.join(new, KEYS)}
        # The small files first: without them the large one is not needed.
        for what in ("public_key", "signature", "package"):
            if what == "public_key" and self.options["public_key"]:
                self._given_keys(targets[what])
                continue
            fetch(_places(row, what), targets[what], LIMITS[what], self.options["timeout"], self.options["retries"])
        paths = (targets["package"], targets["signature"], targets["public_key"])
        return self._proof(row, *paths, os.path.join(folder, "ring"))

    def _given_keys(self, target: str) -> None:
        given = self.options["public_key"]
        if "-----BEGIN" in given:
            with open(target, "w", encoding="utf-8") as file:
                file.write(given)
        else:
            fetch([os.path.expanduser(given)], target, LIMITS["public_key"], 0, 0)

    def _proof(self, row: Row, package: str, signature: str, keys: str, ring: str) -> Row:
        if self.options["public_key"]:
            keys = f"{ring}.pem"
            self._given_keys(keys)
        os.makedirs(ring, mode=0o700, exist_ok=True)
        fingerprint = gpg.prove(self.run, self.gpg, ring, keys, signature, package, self.pinned)
        digest = sha256(package)
        if self.hashes and digest not in self.hashes:
            raise gpg.NotProven(f"its SHA-256 is {digest}, but only {' or '.join(self.hashes)} is allowed")
        _check_identity(row, package)
        return {"sha256": digest, "size": os.path.getsize(package), "fingerprint": fingerprint}


def _check_identity(row: Row, package: str) -> None:
    """A genuine old package under a new name also has a good signature. If the file cannot be read here, the host checks it."""
    try:
        told = identity.said(package, row["format"])
    except identity.Unreadable as error:
        raise gpg.NotProven(f"it cannot be read as a package ({error})") from None
    why = None if told is None else identity.unlike(*told, row)
    if why:
        raise gpg.NotProven(why)


def sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(MIB), b""):
            digest.update(block)
    return digest.hexdigest()


def _from_s3(row: Row) -> bool:
    return any(row[what].startswith(S3) for what in LIMITS)


def _places(row: Row, what: str) -> str | list[str]:
    """A URL, or the paths to try: in AWS's layout first, then all files in one directory."""
    place: str = row[what]
    if not place.startswith("/"):
        return place
    flat = os.path.join(place.split(f"/{row['version']}/")[0], os.path.basename(place))
    # In one directory, the signatures of both arm64 packages would share a name; NAME.sig is the usual convention.
    beside = [os.path.join(os.path.dirname(path), f"{row['name']}.sig") for path in (place, flat)]
    return list(dict.fromkeys([*(beside if what == "signature" else []), place, flat]))
