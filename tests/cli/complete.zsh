# What zsh completes for "quantea WORDS" at the last word: a shell in a pseudo-terminal is typed at, and a function in the place of the
# command prints the line that comes of it. Run in a folder with completions/_quantea.
#   zsh -f complete.zsh WORDS...
zmodload zsh/zpty
zpty z env TERM=dumb zsh -f -i
zpty -w z 'PROMPT= PS2=; unsetopt zle_bracketed_paste 2>/dev/null; fpath=($PWD/completions $fpath); autoload -Uz compinit; compinit -u -D; quantea() { print -r -- "<$*>" }; print -r -- begin-"now"'
zpty -r z text '*begin-now*'
for line in "$@"; do
    zpty -w z "quantea $line"$'\t'
    zpty -r z text $'*<*>*' && print -r -- "${${text##*<}%%>*}"
done
zpty -d z
