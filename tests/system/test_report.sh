#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The command report on files of simulated frameworks: tables, files, several studies as one.
. "$(dirname "$0")/common.sh" "$1"
cnnmpi=$build/cnnmpi
simulated() { # simulated FILE REPEATS SEED: a study of simulated frameworks
    timeout 60 mpirun --oversubscribe -np 2 "$cnnmpi" "$source_tree/jobs/simulate.yaml" --quiet --force \
        --set "repeats=$2" --set "seed=$3" --set 'factors.architecture=[arch1]' --output "$1" || [[ $? -eq 1 ]]
}
simulated first.h5 6 1
simulated second.h5 4 2

# The default: short, what was found stands first.
expect 0 "$cnnmpi" report first.h5
[[ $(head -n 1 out) == "What was found" ]] || { cat out; fail "the findings are not first"; }
[[ $(wc -l <out) -le 60 ]] || { cat out; fail "$(wc -l <out) lines in the short report"; }
says out "What was found"
says out "sim_a against sim_b"
says out "report first.h5 --full"
! grep -q "sign flips" out || fail "details in the short report"
longest=$(awk '{ if (length > n) n = length } END { print n }' out)
[[ $longest -le 100 ]] || fail "a line of $longest characters"
# On a terminal it is as wide as that: more or fewer folds of tables. There the findings stand last.
for columns in 80 160; do
    python3 - "$columns" "$cnnmpi" report first.h5 --full >out <<'END' || fail "on a terminal of $columns columns"
import fcntl, os, pty, struct, sys, termios
columns = int(sys.argv[1])
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    os.execv(sys.argv[2], sys.argv[2:])
text = b""
while True:
    try:
        more = os.read(terminal, 65536)
    except OSError: # the end, on Linux
        break
    if not more:
        break
    text += more
lines = text.decode().replace("\r", "").split("\n")
print("\n".join(lines))
assert lines.index("What was found") > lines.index("Results"), "the findings are not last"
longest = max(map(len, lines))
assert os.waitpid(child, 0)[1] == 0 and min(columns, 125) - 20 < longest <= columns, longest
END
done
expect 0 "$cnnmpi" report first.h5 --full
says out "sign flips"
! grep -qw nan out || fail "nan in the report"

# One table, as everything.
expect 0 "$cnnmpi" report first.h5 --table t_tests
says out "Welch's t"
! grep -q "What was found" out || fail "more than one table"
expect 0 "$cnnmpi" report first.h5 --table=verdicts --format latex
says out '\label{tab:verdicts}'
expect 2 "$cnnmpi" report first.h5 --table verdict
says err "variance_tests"
# The names of the tables hold for CSV as well.
for table in verdicts devices spread equivalence quantiles lost; do
    expect 0 "$cnnmpi" report first.h5 --format csv --table $table
    [[ $(head -n 1 out) == combination,* ]] || { cat out; fail "table $table as CSV"; }
done
# Also where the spread comes from, runs that are missing show.
expect 0 "$cnnmpi" report first.h5 --table components
grep -Eq '^ +runs +component' out && grep -Eq ' [0-9]+/12 ' out ||
    { cat out; fail "components do not count runs"; }
expect 0 "$cnnmpi" report first.h5 --format csv --table comparisons
[[ $(wc -l <out) -eq 6 ]] || fail "$(wc -l <out) lines of comparisons" # a name row, five measures

# Every table as a file; the number of columns is the same in every line.
expect 0 "$cnnmpi" report first.h5 --format csv -o tables
for table in summary sessions cells comparisons blocking models fixed_effects components seeds \
    seed_groups outliers blocks; do
    [[ -s tables/$table.csv ]] || fail "no tables/$table.csv"
done
awk -F, 'FNR == 1 { n = NF } NF != n { print FILENAME ": " $0; bad = 1 } END { exit bad }' \
    tables/{cells,comparisons,components,models}.csv || fail "ragged CSV"
expect 2 "$cnnmpi" report first.h5 --format csv -o tables
says err "--force"

# Several studies as one.
expect 0 "$cnnmpi" report first.h5 second.h5
says out "20 planned"
says out "not controlled for looks"
expect 0 "$cnnmpi" report first.h5 second.h5 --runs
[[ $(wc -l <out) -eq 21 ]] || fail "$(wc -l <out) lines of runs"
says out "second.h5,"
expect 2 "$cnnmpi" report first.h5 first.h5
says err "the same runs"
expect 2 "$cnnmpi" report first.h5 second.h5 --status
expect 3 "$cnnmpi" report first.h5 absent.h5
echo ok
