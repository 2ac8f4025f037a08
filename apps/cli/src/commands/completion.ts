import { defineCommand } from '../command.js';
import { usageError } from '../exit-code.js';

/** The shells ask the program itself (`shiplog __complete`), so that scripts need no news when commands do. */
const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `# shiplog completion: source <(shiplog completion bash)
_shiplog() {
  local IFS=$'\\n'
  COMPREPLY=($(shiplog __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
complete -o default -F _shiplog shiplog ./shiplog
`,
  zsh: `#compdef shiplog
# shiplog completion: source <(shiplog completion zsh)
_shiplog() {
  local -a found
  found=("\${(@f)$(shiplog __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if (( \${#found[1]} )); then compadd -- "\${found[@]}"; else _files; fi
}
compdef _shiplog shiplog
`,
  fish: `# shiplog completion: shiplog completion fish | source
function __shiplog_complete
  set -l words (commandline -opc) (commandline -ct)
  shiplog __complete -- $words[2..-1] 2>/dev/null
end
complete -c shiplog -f -a '(__shiplog_complete)'
complete -c shiplog -n '__fish_seen_subcommand_from deploy import' -F
`,
};

export const completion = defineCommand({
  name: 'completion',
  args: [['<shell>', 'bash, zsh or fish']],
  summary: 'print a completion script for your shell',
  examples: [
    ['completion bash >> ~/.bashrc', 'for bash'],
    ['completion zsh > "${fpath[1]}/_shiplog"', 'for zsh'],
    ['completion fish > ~/.config/fish/completions/shiplog.fish', 'for fish'],
  ],
  run: ({ args, out, io }) => {
    const shell = args[0] ?? '';
    const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
    if (script === undefined) {
      throw usageError(`there is no completion for "${shell}"`, 'Shells: bash, zsh, fish');
    }
    if (out.isJson) out.json({ shell, script });
    else io.stdout.write(script);
    return Promise.resolve();
  },
});
