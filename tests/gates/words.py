# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Phrases that no text of this repository uses, each with a better one (see CONTRIBUTING.md, "Style")."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from tree import files, place

# What is checked; * matches any depth.
CHECKED = (
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "changelogs/*",
    "docs/*.md",
    "docs/*.rst",
    "plugins/*",
    "playbooks/*",
    "roles/*",
    "extensions/*",
    "tests/*",
)
PROSE = (".md", ".rst", ".yml", ".yaml", ".py", ".j2", ".html")
# The phrases themselves, the gate's own test, and a page that is written from a specification, which is checked instead.
EXEMPT = ("tests/gates/words.py", "tests/gates/test_words.py", "roles/agent/README.md")
# Text that is not checked where it is: tables that are written from data, and the bad examples of the style rules.
SKIPPED = re.compile(
    r"^\.\. [a-z_ ]+: written by.*?^\.\. end$|^\.\. bench: .*?^\.\. end of \w+$|^## Style$.*?^## ",
    re.MULTILINE | re.DOTALL,
)
# Words, with neither the quotes nor the comment marks between the lines of one sentence.
WORD = re.compile(r"[^\s\"'#]+")
PREFIX = re.compile(r"\bf(?=[\"'])")


class Phrase(NamedTuple):
    """A regular expression in lower case from the start of a word on, what to write instead, and an example."""

    pattern: str
    better: str
    example: str


PHRASES = (
    Phrase(r"hold that\b", "check that", "Hold that the limit has localhost"),
    Phrase(r"hold(?:s|ing)? (?:it|them|both|the \w+) equal\b", "compare", "Tests hold them equal to botocore's."),
    Phrase(r"mend(?:s|ed|ing)?\b", "fix, repair", "Mend what failed above."),
    Phrase(r"fore(?:tell(?:s|ing)?|told)\b", "predict", "Check mode foretells the changes."),
    Phrase(
        r"(?<!\bthere )(?:is|are|was|were) no (?!longer\b|more\b|problem\b|reason\b|use\b)\w+",
        "is not a, is not valid",
        "report.json is no JSON",
    ),
    Phrase(
        r"tell(?:s|ing)? (?:(?:an?|the) )?(?!which\b|what\b|one\b|all\b|each\b|some\b|any\b)\w+ of\b",
        "notify, report, return",
        "tells a webhook of failed jobs",
    ),
    Phrase(r"(?:what|which|that|who) (?:is|are) told\b", "receives, gets", "what is told to the host"),
    Phrase(r"(?:is|are|was|were) told of\b", "receives", "A run is told of its own change."),
    Phrase(r"(?:is|are) said (?:of|to|in)\b", "is reported for, is in", "What is said of each instance"),
    Phrase(r"said on purpose\b", "explicitly", "or, said on purpose: every instance"),
    Phrase(r"giv(?:e|es|ing) word\b", "report", "The module gives word of its progress."),
    Phrase(r"by the clock\b", "wall-clock time", "the time by the clock"),
    Phrase(r"tak(?:e|es|ing) in the\b", "select the, add the", "Take in the hosts"),
    Phrase(r"tak(?:e|es|ing) (?:it|them|these|those) up\b", "pick up", "a further run takes them up"),
    Phrase(r"in the way in which\b", "as, how", "in the way in which AWS does it"),
    Phrase(r"st(?:and|ands|anding|ood) in (?:the|\w+'s|its|their) way\b", "blocks; blockers", "What stands in the way"),
    Phrase(r"anew\b", "again", "GuardDuty makes them anew"),
    Phrase(r"mak(?:e|es|ing) (?:it|them|these|one) again\b", "create again", "GuardDuty makes it again"),
    Phrase(r"in whichever of\b", "in any of", "in whichever of the accounts they are"),
    Phrase(r"know(?:s|n)? nothing of\b", "has no record of", "who GuardDuty knows nothing of"),
    Phrase(r"what came of\b", "the result of", "what came of each host"),
    Phrase(r"what there is to\b", "what to", "what there is to do"),
    Phrase(r"(?:wak(?:e|es|ing)|woke)\b", "trigger, start", "events that wake a rulebook"),
    Phrase(r"fall(?:s|ing)? silent\b", "stops reporting", "an agent falls silent"),
    Phrase(r"(?:two looks|one look|a look (?:at|by|for))\b", "check, scan", "seconds between two looks"),
    Phrase(r"how far it is\b", "its progress", "says how far it is"),
    Phrase(r"in parts of the\b", "relative to the", "in parts of the first one's CPU"),
    Phrase(r"for want of\b", "because ... is missing", "Not run for want of them"),
    Phrase(r"doubled (?:event|message)s?\b", "duplicate", "lost, late and doubled events"),
    Phrase(r"one report of many\b", "merge many reports into one", "makes one report of many"),
    Phrase(r"one \w+ a line\b", "one ... per line", "text with one value a line"),
    Phrase(r"go(?:es|ing)? on (?:costing|being)\b", "still costs, remains", "it goes on costing"),
    Phrase(r"hang(?:s|ing)? on the\b", "depend on", "does not hang on the queue"),
    Phrase(r"bears? the tag\b", "has the tag", "Everything bears the tag"),
    Phrase(r"that (?:one|it|they) is to have\b", "that it needs", "the agent that it is to have"),
    Phrase(r"make one (?:job|security|vpc|endpoint|queue)\b", "create", "make one job template of each list"),
    Phrase(r"is (?:made|taken) over by\b", "is reused by", "the queue is taken over by the others"),
    Phrase(r"till\b", "until", "waits till they report"),
    Phrase(r"the one that comes second\b", "later runs", "the one that comes second takes over"),
)


_EITHER = "|".join(f"(?P<phrase{number}>{phrase.pattern})" for number, phrase in enumerate(PHRASES))
# One search for the start of a word is 30 times as fast as one for each phrase
ANY = re.compile(rf"\b(?:{_EITHER})")


def avoidable(root: Path, patterns: tuple[str, ...] = CHECKED) -> list[str]:
    """Uses of the phrases in the files that match, as file:line with the better phrase."""
    exempt = set(files(root, *EXEMPT))
    paths = [path for path in files(root, *patterns) if path.suffix in PROSE and path not in exempt]
    return [
        f"{place(path, root, line)}: '{words}': write '{phrase.better}'"
        for path in paths
        for line, words, phrase in uses(path.read_text(encoding="utf-8"))
    ]


def uses(text: str) -> Iterator[tuple[int, str, Phrase]]:
    """Each use of a phrase in a text: its line, its words, and the phrase."""
    # the lines stay where they are
    checked = SKIPPED.sub(lambda skipped: "\n" * skipped[0].count("\n"), text)
    words = list(WORD.finditer(PREFIX.sub(" ", checked)))
    flat = " ".join(word[0] for word in words)
    starts = list(accumulate((len(word[0]) + 1 for word in words), initial=0))
    for use in ANY.finditer(flat.lower()):
        first = words[bisect_right(starts, use.start()) - 1]
        yield checked.count("\n", 0, first.start()) + 1, use[0], PHRASES[int(str(use.lastgroup)[len("phrase") :])]
