#!/bin/sh
# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Stand-in for the agent of Amazon GuardDuty: writes a log and a status file, reports, answers SIGTERM; one version dies.
version=@VERSION@
if [ "$version" = "@CRASHES@" ]; then
  echo "fatal: simulated crash of $version" >&2
  exit 3
fi
status=/run/amazon-guardduty-agent/status
report() { # running? : tell GuardDuty; fails until it listens
  metadata=http://169.254.169.254/latest
  token=$(curl -sf -m 10 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' $metadata/api/token) || return 1
  document=$(curl -sf -m 10 -H "X-aws-ec2-metadata-token: $token" $metadata/dynamic/instance-identity/document) || return 1
  region=$(echo "$document" | sed -n 's/.*"region": "\([^"]*\)".*/\1/p')
  curl -sf -m 10 -d "{\"version\": \"$version\", \"running\": $1, \"document\": $document}" \
    "https://guardduty-data.$region.amazonaws.com/"
}
stop() {
  echo "stopping $version"
  # On cgroup v1, systemd may wait long for a child that is left behind.
  kill "$sleeper" 2>/dev/null
  wait
  report false
  rm -f "$status"
  exit 0
}
trap stop TERM INT
echo "amazon-guardduty-agent $version started as process $$"
echo "$(date -u +%FT%TZ) $version started" >> /var/log/amzn-guardduty-agent/agent.log
beats=0
reported=no
while :; do
  beats=$((beats + 1))
  printf 'version=%s\nbeats=%s\nreported=%s\n' "$version" "$beats" "$reported" > "$status"
  if [ $reported = no ] && report true; then reported=yes; fi
  sleep 1 &
  sleeper=$!
  wait $sleeper
done
