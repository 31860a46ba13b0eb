#!/usr/bin/env bash
# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Builds the execution environment of extensions/awx and runs an audit in it, as AWX's container groups do, where neither a
# registry nor Galaxy can be reached. No other test needs it. As root on Debian, with podman and debootstrap:
#
#   tests/awx/build_image.sh PREFIX     # the prefix of a Python 3.13, such as ~/.pyenv/versions/3.13.0
#
# A stand-in for the base image of the definition is made of Debian's packages and that Python; amazon.aws comes from .venv.
set -euo pipefail
cd "$(dirname "$0")/../.."

PREFIX=${1:?Give the prefix of a Python 3.13, such as ~/.pyenv/versions/3.13.0}
BASE=localhost/fleetsec-guardduty-base
IMAGE=localhost/fleetsec-guardduty-ee
AUTHORITIES=/etc/ssl/certs/ca-certificates.crt
LIBRARIES=libbz2-1.0,libffi8,liblzma5,libreadline8t64,libsqlite3-0,libssl3t64,libuuid1,zlib1g
work=$(mktemp -d)
aws=
trap '[ -z "$aws" ] || kill "$aws"; rm -rf "$work"' EXIT

environment() { python3 -I tests/setup/environment.py "$@"; }

debootstrap --variant=minbase --include="ca-certificates,git,openssh-client,$LIBRARIES" trixie "$work/base"
cp -a "$PREFIX"/{bin,include,lib} "$work/base/usr/local/"
# The build installs a pip of its own; a script of this one names a path that is not there
rm -rf "$work"/base/usr/local/bin/pip* "$work"/base/usr/local/lib/python3.13/site-packages/*
chroot "$work/base" ldconfig
tar -C "$work/base" -c . | podman import -q --change 'ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' - "$BASE"

mkdir "$work/checkout"
git ls-files -z | xargs -0 tar -c | tar -x -C "$work/checkout"
environment run ansible-galaxy collection build "$work/checkout" --output-path "$work/checkout"
environment --env awx run ansible-builder create -f "$work/checkout/extensions/awx/execution-environment.yml" -c "$work/context"
amazon=$(environment run python -c 'import ansible_collections.amazon as found; print(found.__path__[0])')
cp -r "$amazon/aws" "$work/context/_build/collections/amazon.aws"
sed -i -e 's|name: amazon.aws|name: /build/collections/amazon.aws|' -e 's|^  version: .*|  type: dir|' "$work/context/_build/requirements.yml"
podman build --isolation chroot --network host -v "$AUTHORITIES:$AUTHORITIES:ro" --build-arg "EE_BASE_IMAGE=$BASE" -t "$IMAGE" "$work/context"

environment run python -m emulated_aws --fleet tests/fleets/demo.yml --port 0 --ready-file "$work/ready.json" --exit-with-parent &
aws=$!
until [ -s "$work/ready.json" ]; do sleep 0.2; done
endpoint=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["endpoint_url"])' "$work/ready.json")
mkdir -p "$work/job/env"
cp -r extensions/awx/project "$work/job/"
echo '{"regions": "eu-west-1"}' >"$work/job/env/extravars"
environment run ansible-runner transmit "$work/job" -p playbooks/audit.yml |
  podman --runtime runc run --rm -i --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --network host \
    -e "AWS_ENDPOINT_URL=$endpoint" -e AWS_REGION=eu-west-1 -e AWS_EC2_METADATA_DISABLED=true \
    -e AWS_ACCESS_KEY_ID=AKIAEMULATEDCALLER00 -e AWS_SECRET_ACCESS_KEY=emulated-secret-4711 \
    "$IMAGE" ansible-runner worker --private-data-dir=/runner |
  environment run ansible-runner process "$work/job" | tee "$work/job.log"
grep -q '44 instances in 1 account and 1 region' "$work/job.log"
echo "The image $IMAGE is built, and an audit ran in it."
