# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
#
# What ./run and ./test/run share: packages, builds, hugepages. Sourced from the top folder.

export DEBIAN_FRONTEND=noninteractive
HUGEPAGES=false
HUGEPAGES_ADDED=0

say() { echo "==> $*"; }
fail() { echo "${0##*/}: $*" >&2; exit 1; }

need_root() {
	[ "$(id -u)" = 0 ] || fail "must run as root: it makes network namespaces and opens ports"
}

# Installs what is missing of test/lib/packages: setup_packages run|tests
setup_packages() {
	local wanted missing=() name
	if [ "$1" = tests ]; then
		wanted=$(grep -v '^#' test/lib/packages)
	else
		wanted=$(sed '/for-tests/,$d' test/lib/packages | grep -v '^#')
	fi
	while read -r name _; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
			missing+=("$name")
	done <<<"$wanted"
	if [ ${#missing[@]} = 0 ]; then
		say "packages: all there"
		return
	fi
	say "packages: installs ${missing[*]}"
	apt-get -q update >/dev/null || fail "apt-get update failed"
	apt-get -q install -y --no-install-recommends "${missing[@]}" </dev/null |
		grep --line-buffered -E '^(Setting up|E:)' | sed -u 's/^/    /' ||
		fail "apt-get install failed; try it by hand: apt-get install ${missing[*]}"
}

# The control plane gives up root for this user where the configuration names it.
setup_user() {
	getent passwd culvert >/dev/null && return
	say "adds the system user culvert"
	useradd --system --no-create-home --shell /usr/sbin/nologin culvert
}

# Sets up (once) and builds a folder: build_folder FOLDER MESON-OPTION...
build_folder() {
	local folder=$1
	shift
	if ! [ -e "$folder/build.ninja" ]; then
		say "sets up $folder"
		meson setup "$folder" "$@" </dev/null >"$folder.log" 2>&1 || {
			tail -n 20 "$folder.log"
			return 1
		}
		mv "$folder.log" "$folder/setup.log"
	fi
	say "builds $folder"
	ninja -C "$folder" -j "${JOBS:-$(nproc)}" </dev/null >"$folder/ninja.log" 2>&1 || {
		grep -E -A 12 '^FAILED|error:' "$folder/ninja.log" | head -n 60
		return 1
	}
}

# Reserves hugepages of 2 MiB for so many MiB, beyond those in use: reserve_hugepages MIB
# Sets HUGEPAGES to true or false; release_hugepages gives back what was added.
reserve_hugepages() {
	local knob=/proc/sys/vm/nr_hugepages pages free before
	pages=$((($1 + 1) / 2))
	if ! [ -e $knob ]; then
		say "hugepages: this kernel has none; ordinary memory is used, which is slower"
		return
	fi
	free=$(awk '/HugePages_Free/ { print $2 }' /proc/meminfo)
	if [ "$free" -lt "$pages" ]; then
		before=$(cat $knob)
		echo $((before + pages - free)) 2>/dev/null >$knob || true
		HUGEPAGES_ADDED=$(($(cat $knob) - before))
		free=$(awk '/HugePages_Free/ { print $2 }' /proc/meminfo)
	fi
	if [ "$free" -ge "$pages" ]; then
		HUGEPAGES=true
		say "hugepages: $pages of 2 MiB are free for the dataplane's $1 MiB of packets and tables"
	else
		say "hugepages: the kernel gives $free of $pages; ordinary memory is used, which is slower"
		release_hugepages
	fi
}

release_hugepages() {
	local knob=/proc/sys/vm/nr_hugepages
	[ "$HUGEPAGES_ADDED" -le 0 ] || echo $(($(cat $knob) - HUGEPAGES_ADDED)) >$knob
	HUGEPAGES_ADDED=0
}
