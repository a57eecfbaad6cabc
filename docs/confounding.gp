# SPDX-License-Identifier: Apache-2.0
# Pictures of docs/confounding.md: gnuplot -e "folder='CSV FOLDER'; out='PICTURE FOLDER'" docs/confounding.gp
set datafile separator ","
set key autotitle columnhead
set style line 1 lc rgb "#0072b2" pt 7 ps 0.45 lw 2
set style line 2 lc rgb "#d55e00" pt 7 ps 0.45 lw 2
set style line 3 lc rgb "#009e73" pt 7 ps 0.45 lw 2
set style line 9 lc rgb "#999999" lw 1 dt 2
set border 3 lc rgb "#444444"
set tics nomirror textcolor rgb "#222222"
set grid ytics lc rgb "#e4e4e4"

# One study: every run.
set terminal svg size 900,420 font "sans-serif,13" background rgb "white"
set output out."/confounding-study.svg"
set multiplot layout 1,2
set key at graph 0.99,1.0 top right horizontal samplen 1
set ylabel "training time, s"
set yrange [275:320]
set title "Cell after cell, each on the device that was lent"
set xlabel "hours since the start"
set xrange [-0.3:15.3]
plot folder."/runs.csv" using ($2==0?$1:1/0):4 with points ls 1 title "framework a", \
     "" using ($2==1?$1:1/0):4 with points ls 2 title "framework b"
set title "Blocks: both on one device, back to back"
set xlabel "block, device by device"
set xrange [0:91]
plot folder."/blocks.csv" using 1:3:(0):($4-$3) with vectors nohead lc rgb "#bbbbbb" notitle, \
     "" using 1:3 with points ls 1 title "framework a", \
     "" using 1:4 with points ls 2 title "framework b"
unset multiplot

# p values of comparisons in which nothing differs: shares below p.
reset
set datafile separator ","
set style line 1 lc rgb "#0072b2" lw 2.5
set style line 2 lc rgb "#d55e00" lw 2.5
set style line 3 lc rgb "#009e73" lw 2.5
set style line 9 lc rgb "#999999" lw 1.5 dt 2
set border 3 lc rgb "#444444"
set tics nomirror textcolor rgb "#222222"
set grid ytics lc rgb "#e4e4e4"
set terminal svg size 640,440 font "sans-serif,13" background rgb "white"
set output out."/confounding-p.svg"
set xlabel "p"
set ylabel "share of comparisons with a smaller p"
set xrange [0:1]
set yrange [0:1]
set format y "%.1f"
set key outside top center horizontal maxcols 2 samplen 2
plot folder."/p.csv" skip 1 using 2:1 with lines ls 2 title "cell after cell, Welch's t", \
     "" skip 1 using 4:1 with lines ls 1 title "blocks, paired t", \
     "" skip 1 using 3:1 with lines ls 3 title "blocks, Welch's t", \
     x ls 9 title "as it should be"

# Finding a difference that is there.
set output out."/confounding-power.svg"
set xlabel "true difference, %"
set ylabel "comparisons that find it, %"
set xrange [0:3]
set yrange [0:105]
set format y "%.0f"
plot folder."/power.csv" skip 1 using 1:5 with linespoints ls 1 pt 7 ps 0.7 title "blocks, paired t", \
     "" skip 1 using 1:4 with linespoints ls 3 pt 7 ps 0.7 title "blocks, Welch's t", \
     "" skip 1 using 1:2 with linespoints ls 2 pt 7 ps 0.7 title "cell after cell, Welch's t", \
     "" skip 1 using 1:3 with linespoints ls 2 dt 2 pt 6 ps 0.7 title "cell after cell: the opposite"
