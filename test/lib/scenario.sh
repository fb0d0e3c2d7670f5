# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the scenarios that are shell scripts share. They set work to a folder of theirs, in which
# what they start writes *.log.

fail() {
	echo "$*"
	tail -n 5 "${work:?}"/*.log
	exit 1
}

# until_true SECONDS COMMAND...
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}
