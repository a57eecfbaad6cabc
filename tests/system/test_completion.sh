#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Completion in bash, and in zsh where it is installed: words as a person gets them.
. "$(dirname "$0")/common.sh" "$1"
touch study.h5 other.txt job.yaml second.yml
mkdir results
. "$source_tree/share/completion/cnnmpi.bash"
[[ $(complete -p cnnmpi) == "complete -F _cnnmpi cnnmpi" ]] || fail "$(complete -p cnnmpi)"

# completes LINE WORD...: the last word of the line may become exactly these.
completes() {
    local line=$1 words
    shift
    read -ra COMP_WORDS <<<"$line"
    [[ $line == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _cnnmpi
    words=$(printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' ')
    [[ $words == "$(printf '%s\n' "$@" | sort | tr '\n' ' ')" ]] || fail "'$line' becomes: $words"
}
completes "cnnmpi re" report results
completes "cnnmpi st" status
completes "cnnmpi report s" study.h5
completes "cnnmpi report " study.h5 results
completes "cnnmpi plan " job.yaml second.yml results
completes "cnnmpi report --fo" --force --format
completes "cnnmpi report study.h5 --format m" markdown
completes "cnnmpi report --table verd" verdicts
completes "cnnmpi job.yaml --progress " auto live plain
completes "cnnmpi job.yaml --res" --resume
completes "cnnmpi status --w" --watch
completes "cnnmpi plan job.yaml --from s" study.h5
completes "cnnmpi check-trainer --pa" --path
COMP_WORDS=(cnnmpi report --format = cs) COMP_CWORD=4
_cnnmpi
[[ ${COMPREPLY[*]} == csv ]] || fail "--format=cs becomes: ${COMPREPLY[*]}"
# The tables are those of the documents.
names=$(grep -oE '^\| `[a-z_`, *]+`' "$source_tree/docs/analysis.md" | grep -oE '[a-z_]+' | sort -u)
COMP_WORDS=(cnnmpi report --table "") COMP_CWORD=3
_cnnmpi
[[ ${#COMPREPLY[@]} -gt 20 ]] || fail "tables: ${COMPREPLY[*]}"
for name in "${COMPREPLY[@]}"; do
    grep -qx "$name" <<<"$names" || fail "there is no table $name"
done

command -v zsh >/dev/null || { echo "ok, without zsh"; exit 0; }
# zsh completes in a terminal of its own: what it shows for a line and a tab.
cat >drive.py <<'END'
import os, pty, select, sys
folder, line, *words = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    os.environ.update(TERM="dumb", PS1="$ ", HOME=os.getcwd())
    os.execvp("zsh", ["zsh", "-f", "-i"])
seen = b""
def wait(what):
    global seen
    while what not in seen:
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready, (what, seen.decode(errors="replace"))
        seen += os.read(terminal, 65536).replace(b"\a", b"")
def type(text):
    os.write(terminal, text.encode())
wait(b"$ ")
type(f"fpath=({folder} $fpath); autoload -U compinit; compinit -u -D; echo rea''dy\r")
wait(b"ready\r\n")
seen = b""
type(line + "\t")
for word in words:
    wait(word.encode())
type("\x03exit\r")
os.close(terminal)
os.waitpid(child, 0)
END
# zcompletes LINE WORD...: these are shown.
zcompletes() { python3 drive.py "$source_tree/share/completion" "$@" || fail "zsh: $*"; }
zcompletes "cnnmpi rep" report
zcompletes "cnnmpi report --form" --format
zcompletes "cnnmpi report study.h5 --format " csv json latex markdown text
zcompletes "cnnmpi report st" study.h5
zcompletes "cnnmpi plan j" job.yaml
zcompletes "cnnmpi status --w" --watch
echo ok
