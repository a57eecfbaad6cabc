#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# LaTeX tables of 3 x 8 cells, whose names have 63 bytes: they compile with pdfLaTeX and XeLaTeX, on A4
# and in two columns, no box is more than 1 pt too wide and no character smaller than 7 pt.
. "$(dirname "$0")/common.sh" "$1"
cnnmpi=$build/cnnmpi
for program in pdflatex xelatex pdffonts; do
    command -v $program >/dev/null ||
        { echo "skipped: no $program (packages texlive-latex-recommended, texlive-xetex, poppler-utils)"; exit 77; }
done
kpsewhich IEEEtran.cls >/dev/null || { echo "skipped: no IEEEtran (package texlive-publishers)"; exit 77; }

name() { printf "%s%0*d" "$1" $((63 - $(printf %s "$1" | wc -c))) 0; }
cat >wide.yaml <<END
name: '$(name 'Größe_"a"_100%_--_x&y#')'
repeats: 6
train: {epochs: 2}
factors:
  framework:
    - {name: '$(name "first_framework_")', simulate: {time: {run: 300, device: 0.03, residual: 0.01}, error: {mean: 0.1, seed: 0.003}}}
    - {name: '$(name "MIXED with blanks ")', simulate: {time: {run: 300, ratio: 1.02, residual: 0.01}, error: {mean: 0.1, seed: 0.003}, failures: 0.1}}
    - {name: '$(name "third/framework:")', simulate: {time: {run: 300, ratio: 1.001, residual: 0.02}, error: {mean: 0.12, seed: 0.003}}}
  architecture: ['$(name "WWWWWWWWWWWWWWWWWWWW")', arch2]
  dataset: ['$(name "mnist")', '$(name "idc_")', fashion_mnist, a]
datasets:
  '$(name "mnist")': {type: synthetic, count: 100, height: 12, width: 12, channels: 1, classes: 3}
  '$(name "idc_")': {type: synthetic, count: 100, height: 12, width: 12, channels: 1, classes: 3}
  a: {type: synthetic, count: 100, height: 12, width: 12, channels: 1, classes: 3}
architectures:
  '$(name "WWWWWWWWWWWWWWWWWWWW")': [{dense: classes}]
END
timeout 120 mpirun -np 2 "$cnnmpi" wide.yaml --quiet --output wide.h5 || [[ $? -eq 1 ]] || fail "no results"
for options in "" --full; do
    expect 0 "$cnnmpi" report wide.h5 $options --format latex -o "wide$options.tex"
    ! grep -q -- '--full\|--table\|cnnmpi report' "wide$options.tex" || fail "hints for the shell"
done

# compile ENGINE CLASS TABLES: into the folder CLASS-ENGINE-TABLES
compile() {
    local folder="${2%%\]*}-$1-$3"
    folder=${folder#[}
    mkdir "$folder"
    {
        echo "\\documentclass$2"
        echo '\usepackage{booktabs,tabularx}'
        echo "\\begin{document}\\input{../$3}\\end{document}"
    } >"$folder/paper.tex"
    (cd "$folder" && "$1" -interaction=nonstopmode -halt-on-error paper.tex >out 2>&1) ||
        { tail -n 40 "$folder/out"; fail "$1 of $3 in $2"; }
    python3 - "$folder/paper.log" <<'END' || fail "boxes of $3 in $2 by $1"
import re, sys
log = open(sys.argv[1], errors="replace").read()
wide = [float(x) for x in re.findall(r"Overfull \\hbox \(([0-9.]+)pt too wide", log)]
high = re.findall(r"Overfull \\vbox.*|Float too large.*", log)
print(sys.argv[1], len(wide), "wide boxes, by at most", max(wide, default=0), "pt")
sys.exit(bool(high) or max(wide, default=0) > 1)
END
}
compile pdflatex '[a4paper]{article}' wide.tex
compile pdflatex '[a4paper]{article}' wide--full.tex
compile xelatex '[a4paper]{article}' wide.tex
compile pdflatex '[conference]{IEEEtran}' wide.tex
compile xelatex '[conference]{IEEEtran}' wide--full.tex
# Computer Modern has its size in its name.
pdffonts a4paper-pdflatex-wide--full.tex/paper.pdf >fonts
grep -q CMR8 fonts || { cat fonts; fail "no font of 8 pt"; }
! grep -Eq 'CM[A-Z]+[56] ' fonts || { cat fonts; fail "a font below 7 pt"; }
echo ok
