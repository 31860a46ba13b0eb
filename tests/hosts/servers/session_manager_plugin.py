#!/usr/bin/env python
# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in for AWS's session-manager-plugin: the session is a shell with a terminal in the instance's container.

    session_manager_plugin.py ANSWER-OF-START-SESSION REGION StartSession PROFILE REQUEST [ENDPOINT]

as the AWS CLI calls the real one. The user is the one that SSH has too: not root, and one that may become it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

from imds import find_instance

if __name__ == "__main__":
    answer, region, _operation, _profile, request = sys.argv[1:6]
    target = json.loads(request)["Target"]
    instance = find_instance(os.environ["AWS_ENDPOINT_URL"], [region], "instance-id", target)
    if instance is None:
        sys.exit(f"{target} is not a running instance")
    container = f"{os.environ['GD_LAB_NAME']}-{instance['tags']['Name']}"
    print(f"\r\nStarting session with SessionId: {json.loads(answer)['SessionId']}\r\n", end="", flush=True)
    shell = ["script", "--quiet", "--flush", "--return", "--command", "sh", "/dev/null"]
    engine = os.environ["GD_ENGINE"]
    command = [engine, "exec", "--interactive", "--user", "ec2-user", container, *shell]
    # Of its own stderr the connection plugin of amazon.aws (11.4) can neither read a line nor the end: what the engine warns of
    # goes elsewhere, and this process holds it open.
    with open(os.path.join(os.environ["GD_LAB_DIR"], "sessions.log"), "ab") as log:
        sys.exit(subprocess.run(command, stderr=log, check=False).returncode)
