#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A contender that only reports the seconds of a command: `seconds.sh COMMAND...`. It trains nothing, so
# that its job has `kind: measurement`:
#   kind: measurement
#   factors:
#     framework:
#       - {name: gzip, command: [python/examples/seconds.sh, sh, -c, "gzip -kc /etc/services >/dev/null"]}
#       - {name: bzip2, command: [python/examples/seconds.sh, sh, -c, "bzip2 -kc /etc/services >/dev/null"]}
exec 4>&"${CNN_EVENTS_FD:-1}"
spec=$(cat)
now() { cut -d' ' -f1 /proc/uptime; } # hundredths of a second, monotonic
minus() { awk "BEGIN { printf \"%.2f\", $1 - $2 }"; }
fail() {
    echo "error: $2" >&2
    printf '{"event":"error","message":"%s"}\n' "$2" >&4
    exit "$1"
}
case $(printf '%s' "$spec" | sed -n 's/.*"protocol": *\([0-9]*\).*/\1/p') in
1 | 2) ;; # of the rest it needs nothing
*) fail 2 "this version of the protocol is not known here" ;;
esac
born=$(now)
"$@" >/dev/null 2>&1 || fail 1 "the command has failed: $1" # the warm-up, which nobody times
printf '{"event":"ready","setup_seconds":%s,"backend":"command"}\n' "$(minus "$(now)" "$born")" >&4
start=$(now)
"$@" >/dev/null 2>&1 || fail 1 "the command has failed: $1"
printf '{"event":"done","train_seconds":%s}\n' "$(minus "$(now)" "$start")" >&4
