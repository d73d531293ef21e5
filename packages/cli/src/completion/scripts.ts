/** What a shell needs to ask for candidates; everything else is the program's. Each reads `:files` as its own completion of paths. */

const BASH = `# castellan: completion for bash; for example in ~/.bashrc: source <(castellan completion bash)
_castellan() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      compopt -o default 2>/dev/null
      COMPREPLY=()
      return
    fi
    COMPREPLY+=("$line")
  done < <("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _castellan castellan
`;

const ZSH = `#compdef castellan
# castellan: completion for zsh; for example in ~/.zshrc: source <(castellan completion zsh)
_castellan() {
  local -a found
  found=("\${(@f)$(\${words[1]} __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ $found[1] == :files ]]; then
    _files
  else
    compadd -- "\${(@)found:#}"
  fi
}
compdef _castellan castellan
`;

const FISH = `# castellan: completion for fish; for example: castellan completion fish > ~/.config/fish/completions/castellan.fish
function __castellan_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found (castellan __complete -- $words[2..] 2>/dev/null)
  if test "$found[1]" = ":files"
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $found
  end
end
complete -c castellan -f -a '(__castellan_complete)'
`;

export const COMPLETION_SCRIPTS: ReadonlyMap<string, string> = new Map([
  ["bash", BASH],
  ["zsh", ZSH],
  ["fish", FISH],
]);
