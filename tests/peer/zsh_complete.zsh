#!/usr/bin/env zsh
# SPDX-License-Identifier: Apache-2.0
# zsh_complete.zsh FOLDER LINE: what an interactive zsh that finds its functions in FOLDER offers at the end of LINE, one a line.
zmodload zsh/zpty || exit 1
zpty shell zsh -f -i
say() { zpty -w shell "$1" }
say 'PROMPT=; stty -echo; zle_bracketed_paste=()'
say "fpath=(${(q)1} \$fpath); autoload -Uz compinit; compinit -u -D"
# Each word that is offered is printed, and nothing is put into the line.
say 'compadd() {
	local -a words; local -A flags
	[[ ${argv[(I)-[OAD]]} -gt 0 ]] && { builtin compadd "$@"; return }
	builtin compadd -O words "$@"; local word; for word in $words; do print -r -- "offer:$word"; done
	builtin compadd "$@"
}'
say 'bindkey "^I" complete-word; zstyle ":completion:*" verbose no; done_() { print -r -- "offered:"; exit }; comppostfuncs=(done_)'
say 'print rea""dy:'
zpty -r shell line '*ready:*' || exit 1
zpty -w -n shell "$2"$'\t'
while zpty -r shell line; do
	line=${line//$'\r'/}
	[[ $line == *offered:* ]] && break
	[[ $line == *offer:* ]] && print -r -- ${${line##*offer:}%$'\n'}
done
zpty -d shell
