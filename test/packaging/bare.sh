#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# bare.sh - what README and manuals promise, on a Debian that has nothing.
#
# usage: test/packaging/bare.sh FOLDER [python | install]
#
# As root, with debootstrap and a network.  FOLDER/base is made by debootstrap (SUITE, bookworm) and
# kept for the next time; each part works in a copy of it, on a fresh clone of HEAD:
#
#  python   python3-venv, gcc, libc6-dev and make: 'pip install ./python', three lines of Python
#           classify.
#  install  tools/bootstrap --build, 'make install'; then pkg-config, cmake and g++: a program
#           built by each runs, and so does the installed command.
#
# Prints each command, how long it took, and what the chroot has grown by.  PIP_CERT: a list of
# certificates for pip, where the network needs another one than pip's own.
set -eu

case $# in
1 | 2) ;;
*) sed -n '5,17s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
parts=${2:-python install}
base=$folder/base
chroot=
fail() { echo "bare.sh: $*" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || fail "chroot needs root"
command -v debootstrap >/dev/null || fail "no debootstrap (tools/bootstrap --all)"

leave() {
    [ -n "$chroot" ] || return 0
    umount "$chroot/proc" 2>/dev/null || true
    # Never through a mount that is still there.
    mountpoint -q "$chroot/proc" || rm -rf --one-file-system "$chroot"
    chroot=
}
trap leave EXIT
trap 'exit 1' INT TERM

if [ ! -e "$base/.whole" ]; then
    rm -rf --one-file-system "$base"
    debootstrap --variant=minbase "${SUITE:-bookworm}" "$base" >"$folder/debootstrap.log" 2>&1 ||
        fail "debootstrap failed: $folder/debootstrap.log"
    touch "$base/.whole"
fi

kb() { du -skx "$chroot" | cut -f 1; }

enter() { # NAME: a copy of base, with a clone of HEAD in /src
    chroot=$folder/$1
    rm -rf --one-file-system "$chroot"
    cp -a "$base" "$chroot"
    mount -t proc proc "$chroot/proc"
    cp /etc/resolv.conf "$chroot/etc/resolv.conf"
    if [ -n "${PIP_CERT:-}" ]; then cp "$PIP_CERT" "$chroot/etc/pip-cert.crt"; fi
    git clone -q --depth 1 "file://$root" "$chroot/src"
    echo "== $1: Debian $(cat "$chroot/etc/debian_version"), $(($(kb) / 1024)) MB with the clone"
}

run() { # COMMAND in the chroot: its output goes to a log, its time and its growth are printed
    before=$(kb) start=$(date +%s)
    echo "\$ $1"
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
        DEBIAN_FRONTEND=noninteractive ${PIP_CERT:+PIP_CERT=/etc/pip-cert.crt} \
        ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
        chroot "$chroot" /bin/sh -ec "cd /src; $1" >"$folder/log" 2>&1 </dev/null ||
        { tail -n 40 "$folder/log" >&2; fail "failed: $1"; }
    echo "   $(($(date +%s) - start)) s, $((($(kb) - before) / 1024)) MB"
}

answers() { # WHAT PATTERN: the last line of the last command's output
    tail -n 1 "$folder/log" | sed 's/^/   /'
    tail -n 1 "$folder/log" | grep -Eq "$2" || fail "$1 answers otherwise"
}

for part in $parts; do
    enter "$part"
    run 'apt-get update'
    case $part in
    python)
        run 'apt-get install -y --no-install-recommends python3-venv gcc libc6-dev make'
        run 'python3 -m venv /venv'
        run '/venv/bin/pip install ./python'
        cat >"$chroot/three.py" <<'END'
from relevance import Relevance
model = Relevance()
print(model.classify("dog leash", "Reflective nylon dog leash, 6 ft").label)
END
        run 'cd /; /venv/bin/python three.py'
        answers 'Python' '^Exact$'
        # Nothing of the source tree is in use.
        run 'rm -r /src/*; cd /; /venv/bin/python three.py'
        answers 'Python without the source tree' '^Exact$'
        run 'ldd /venv/lib/python3*/site-packages/relevance/librelevance.so'
        sed 's/^/   /' "$folder/log"
        run 'du -sh /venv/lib/python3*/site-packages/relevance | cut -f 1'
        answers 'du' '^[0-9]'
        ;;
    install)
        run 'tools/bootstrap --build'
        run 'make'
        run 'make install'
        run 'cd /; relevance classify "dog leash" "Reflective nylon dog leash, 6 ft" | head -n 1'
        answers 'the installed command' 'Exact'
        run 'apt-get install -y --no-install-recommends pkg-config cmake g++'
        run 'cp -r test/packaging /work; rm -r /src/*'
        # shellcheck disable=SC2016
        run 'cd /work; cc program.c $(pkg-config --cflags --libs relevance) -o app;
             ./app "$(pkg-config --variable=model relevance)"'
        answers 'the program by pkg-config' '^Exact 0\.'
        run 'cd /work; cmake -S . -B cmake -DWANTED_VERSION=0.1; cmake --build cmake'
        for program in shared static cpp; do
            # shellcheck disable=SC2016
            run "cd /work; cmake/program_$program \"\$(cat cmake/model)\""
            answers "program_$program by CMake" '^Exact 0\.'
        done
        ;;
    *) fail "no part '$part'" ;;
    esac
    leave
done
echo "bare: all of it works on a bare Debian"
