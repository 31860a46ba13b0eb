# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixtures of tests/integration for the rulebooks, which run in an environment of their own."""

from fixtures import ansible, aws, server

__all__ = ["ansible", "aws", "server"]
