#!/bin/sh
# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Stand-in for the agent of Amazon GuardDuty: writes a log and a status file, answers SIGTERM; one version dies at once.
version=@VERSION@
if [ "$version" = "@CRASHES@" ]; then
  echo "fatal: simulated crash of $version" >&2
  exit 3
fi
status=/run/amazon-guardduty-agent/status
stop() {
  echo "stopping $version"
  rm -f "$status"
  exit 0
}
trap stop TERM INT
echo "amazon-guardduty-agent $version started as process $$"
echo "$(date -u +%FT%TZ) $version started" >> /var/log/amzn-guardduty-agent/agent.log
beats=0
while :; do
  beats=$((beats + 1))
  printf 'version=%s\nbeats=%s\n' "$version" "$beats" > "$status"
  sleep 1 &
  wait $!
done
