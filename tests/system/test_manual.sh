#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The manual page, the completions and what is installed agree with the program: options, exit statuses,
# files, documents.
. "$(dirname "$0")/common.sh" "$1"
cmake --install "$build" --prefix "$work/prefix" >install.log || { cat install.log; fail "install"; }
program=$work/prefix/bin/cnnmpi
man=$work/prefix/share/man/man1/cnnmpi.1
expect 0 "$program" --help
cp out help

# section NAME: of the page, without its markup
section() { sed -n "/^\.SH $1\$/,/^\.SH /p" "$man" | sed '1d; $d; s/\\f.//g; s/\\-/-/g'; }
options() { grep -oE '(^| )--[a-z][a-z-]*' help | tr -d ' ' | sort -u; }
[[ $(options | wc -l) -gt 15 ]] || fail "too few options: $(options)"
sed 's/\\-/-/g' "$man" >page
for option in $(options); do
    grep -qE -- "$option([^a-z-]|\$)" page || fail "the page lacks $option"
    grep -qE -- "$option([^a-z-]|\$)" "$work/prefix/share/bash-completion/completions/cnnmpi" || fail "bash lacks $option"
    grep -qE -- "$option([^a-z-]|\$)" "$work/prefix/share/zsh/site-functions/_cnnmpi" || fail "zsh lacks $option"
done

# Statuses: those of the help are made from the table of src/cli/terminal.h.
sed -n '/^Exit status:$/,/^$/p' help | grep -oE '^ +[0-9]+(, [0-9]+)*' | tr -d ' ' >statuses
[[ $(wc -l <statuses) -ge 6 ]] || { cat help; fail "too few statuses"; }
section "EXIT STATUS" | grep -E '^[0-9]+(, [0-9]+)*$' | tr -d ' ' | diff statuses - || fail "exit statuses of the page and of the program"

# Files: each one that is installed lies below a path of the section.
section FILES | grep -oE 'PREFIX/[a-z0-9_./-]+' | sed "s#PREFIX#$work/prefix#" | sort -u >paths
while read -r path; do
    [[ -e $path ]] || fail "the page names $path, which is not installed"
done <paths
while read -r file; do
    covered=0
    while read -r path; do
        [[ $file == "$path"* ]] && covered=1
    done <paths
    ((covered)) || fail "the page does not name $file"
done < <(find "$work/prefix" -type f)

# The help says where the documents are.
documents=$(sed -n 's/^Documents: //p' help)
[[ -f $documents/analysis.md && -f $documents/job-files.md ]] || { cat help; fail "documents: '$documents'"; }
for document in "$source_tree"/docs/*.md; do
    [[ -f $documents/$(basename "$document") ]] || fail "$(basename "$document") is not installed"
done
echo ok
