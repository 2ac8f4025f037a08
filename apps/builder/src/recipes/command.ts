/** Words that need no shell to be understood: no quotes, variables, globs or operators in them. */
const SIMPLE_WORD = /^[A-Za-z0-9_@%+:,./-]+$/;
const SIMPLE_ARGUMENT = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** What only a shell knows: run directly these would not be found. */
const SHELL_WORDS = new Set(
  '. : alias bg break case cd command continue eval exec exit export fg for getopts hash if jobs local read readonly return set shift source then time times trap type ulimit umask unalias unset until wait while'.split(
    ' ',
  ),
);

/** A line with any of these is more than one simple command. */
const OPERATORS = /[;&|()<>`\n]/;

/**
 * A command line as an argv array: directly where its words are plain, otherwise through the image's
 * shell. A single command replaces the shell (`exec`), so that SIGTERM reaches it.
 */
export const toArgv = (line: string): readonly string[] => {
  const words = line.trim().split(/\s+/);
  const [first = '', ...rest] = words;
  const isPlain =
    SIMPLE_WORD.test(first) &&
    !SHELL_WORDS.has(first) &&
    rest.every((word) => SIMPLE_ARGUMENT.test(word));
  if (isPlain) return words;
  const canReplaceShell =
    SIMPLE_WORD.test(first) && !SHELL_WORDS.has(first) && !OPERATORS.test(line);
  return ['/bin/sh', '-c', canReplaceShell ? `exec ${line.trim()}` : line.trim()];
};
