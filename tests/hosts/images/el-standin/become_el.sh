#!/usr/bin/env bash
# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs in the image's build: Debian with rpm and dnf comes to look like Amazon Linux 2023 to Ansible, rpm and dnf.
set -euo pipefail

# Debian's defaults are a database per user, gpg2, which Debian does not have, and /lib.
mkdir -p /etc/rpm /etc/pki/rpm-gpg /etc/yum.repos.d /var/lib/rpm
cat > /etc/rpm/macros <<'MACROS'
%_dbpath	/var/lib/rpm
%__gpg	/usr/bin/gpg
%_unitdir	/usr/lib/systemd/system
%dist	.amzn2023
MACROS
cat > /etc/dnf/dnf.conf <<'CONF'
[main]
gpgcheck=True
installonly_limit=3
clean_requirements_on_remove=True
best=True
skip_if_unavailable=False
CONF

rpm --initdb
find /usr/lib/*-linux-gnu -maxdepth 1 -name 'lib*.so.*' | /usr/lib/rpm/elfdeps --provides | sort -u > /tmp/el/provides
rpmbuild -bb --quiet --define '_topdir /tmp/el/build' --define '_build_id_links none' /tmp/el/system-release.spec
rpm -Uvh --quiet --nodeps /tmp/el/build/RPMS/noarch/*.rpm
ln -sf dnf-3 /usr/bin/yum

# From here on the image is no Debian any more: dpkg, apt and their traces go.
rm -f /etc/os-release /usr/lib/os-release /etc/debian_version /etc/lsb-release
cat > /usr/lib/os-release <<'RELEASE'
NAME="Amazon Linux"
VERSION="2023"
ID="amzn"
ID_LIKE="fedora"
VERSION_ID="2023"
PLATFORM_ID="platform:al2023"
PRETTY_NAME="Amazon Linux 2023 (test stand-in on a Debian userland)"
VARIANT_ID="fleetsec-standin"
RELEASE
ln -s ../usr/lib/os-release /etc/os-release
echo 'Amazon Linux release 2023 (Amazon Linux)' > /etc/system-release
rm -rf /usr/bin/apt* /usr/bin/dpkg* /usr/lib/apt /var/lib/dpkg /var/lib/apt /etc/apt /etc/dpkg \
  /usr/lib/python3/dist-packages/apt* /usr/share/keyrings/debian* /etc/cron.daily/apt* /etc/cron.daily/dpkg* \
  /lib/systemd/system/apt-* /lib/systemd/system/dpkg-* /etc/systemd/system/timers.target.wants/{apt,dpkg}*
