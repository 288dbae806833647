# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the documentation is made and looked at with: packages of Debian 12 or 13,
# installed where they are missing.

# To make the site.
# shellcheck disable=SC2034 # for who sources this
site_packages=(python3-sphinx python3-myst-parser python3-sphinx-rtd-theme
	groff-base)
# To look at it in a browser.
# shellcheck disable=SC2034
browser_packages=(chromium chromium-driver python3-selenium fonts-dejavu-core)

die()
{
	echo "docs: $*" >&2
	exit 1
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

installed()	# package
{
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

install()	# packages...
{
	echo "docs: install $*" >&2
	{
		as_root apt-get update &&
			as_root env DEBIAN_FRONTEND=noninteractive \
				apt-get -o DPkg::Lock::Timeout=600 \
				install -y --no-install-recommends "$@"
	} >&2 || die "can not install $*"
}

# Installs those that are missing.
need()	# packages...
{
	local package missing=()

	for package; do
		installed "$package" || missing+=("$package")
	done
	[ ${#missing[@]} -eq 0 ] || install "${missing[@]}"
}

# The kernel's own script, in Debian's package of what builds modules, which is
# named after a kernel. Any will do that has it, which 7.2's has not.
kernel_doc()
{
	local script package

	for script in /usr/lib/linux-kbuild-*/scripts/kernel-doc; do
		[ ! -x "$script" ] || { echo "$script"; return; }
	done
	as_root apt-get update >&2
	package=$(apt-cache pkgnames linux-kbuild-6. | sort -V | head -n 1)
	[ -n "$package" ] || die "there is no package linux-kbuild-6.*"
	install "$package"
	for script in /usr/lib/linux-kbuild-*/scripts/kernel-doc; do
		[ ! -x "$script" ] || { echo "$script"; return; }
	done
	die "$package has no kernel-doc"
}
