#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The report as a page, and its figures: a study and a job whose names are markup, both simulated.
. "$(dirname "$0")/common.sh" "$1"
cnnmpi=$build/cnnmpi
make_file=$build/tests/simulate_file
command -v gnuplot >/dev/null || { echo "skipped: no gnuplot"; exit 77; }
command -v xmllint >/dev/null || { echo "skipped: no xmllint"; exit 77; }

"$make_file" "$here/figures_study.yaml" 8 study.h5
"$make_file" "$here/figures_names.yaml" 6 names.h5
for name in study names; do
    expect 0 "$cnnmpi" report $name.h5 --format html -o $name.html
    xmllint --noout $name.html || fail "$name.html is not XML"
    ! grep -Eiq 'https?:|//[a-z]|[^a-z]url\(|@import| src=' $name.html || fail "a URL in $name.html"
    ! grep -Eq '\[-?nan|<th scope="row"></th>' $name.html || fail "an empty interval or heading in $name.html"
    [[ $(stat -c %s $name.html) -lt 2000000 ]] || fail "$name.html is larger than 2 MB"
    if command -v tidy >/dev/null; then
        tidy -e -q $name.html >errors 2>&1 || { cat errors; fail "tidy on $name.html"; }
    fi
done
[[ $(grep -c '<script' names.html) -eq 1 ]] || fail "the name of a job became a script"
says names.html '50% %d @x {b}_^' # gnuplot takes a tick's label for a format
says names.html '&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;'
for number in 5 6 7 8 11 12 13 14 15 16 19 20; do
    says study.html "Figure $number of the study"
done

# Each figure as files; their data are those of the page and of the tables.
expect 0 "$cnnmpi" report study.h5 --figures figures
[[ ! -s out ]] || fail "--figures alone prints a report"
expect 0 "$cnnmpi" report study.h5 --format csv -o tables
expect 0 "$cnnmpi" report study.h5 --runs -o runs.csv
python3 "$here/check_figures.py" study.html figures tables runs.csv || fail "figures"
expect 0 "$cnnmpi" report names.h5 --figures others
for figure in figures/*.pdf others/*.pdf; do
    [[ $(head -c 5 "$figure") == %PDF- ]] || fail "$figure is no PDF"
done
expect 2 "$cnnmpi" report study.h5 --figures figures
says err "--force"
rm figures/power.svg
(cd figures && gnuplot power.gp) || fail "a script that does not draw by itself"
[[ -s figures/power.svg ]] || fail "power.gp drew nothing"

# Unfinished: an interim page. Nothing done: a page without figures.
"$make_file" "$here/figures_study.yaml" 8 interim.h5 --half
expect 0 "$cnnmpi" report interim.h5 --format html -o interim.html
says interim.html "<b>Interim</b>"
! grep -q 'a difference in [1-9]' interim.html || fail "an interim page counts differences"
xmllint --noout interim.html || fail "interim.html is not XML"

# Without gnuplot the message names the package, and nothing is written.
expect 3 env PATH=/nowhere "$cnnmpi" report study.h5 --format html -o none.html
says err "gnuplot-nox"
[[ ! -e none.html ]] || fail "a page without figures"
# A gnuplot during which the program is interrupted: it ends by the signal, and nothing is left.
mkdir fake temporary
printf '#!/bin/sh\nkill -INT $PPID\n' >fake/gnuplot
chmod +x fake/gnuplot
expect 130 env PATH="$work/fake:$PATH" TMPDIR="$work/temporary" "$cnnmpi" report study.h5 --format html -o none.html
[[ -z $(ls temporary) ]] || fail "left behind: $(ls temporary)"
expect 130 env PATH="$work/fake:$PATH" "$cnnmpi" report study.h5 --figures left
[[ ! -e left/all.gp && ! -e left/gnuplot.messages ]] || fail "left behind: $(ls left)"
expect 2 "$cnnmpi" report study.h5 --format html --table cells
expect 2 "$cnnmpi" report --published --format html
echo ok
