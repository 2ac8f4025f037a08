/** Options that are understood before the command too: `shiplog -a shop --json ps`. */
const FLAGS = new Set(['--json']);
const WITH_VALUE = new Set(['-a', '--app', '-m', '--reason', '--at']);

/**
 * Moves shared options that stand before or inside the command's name behind it, where the command's own
 * parser reads them. Everything behind the name stays as it is, above all what follows `--`.
 */
export const arrangeArguments = (
  args: readonly string[],
  isGroup: (name: string) => boolean,
): string[] => {
  const path: string[] = [];
  const carried: string[] = [];
  let i = 0;
  for (; i < args.length && !isComplete(path, isGroup); i += 1) {
    const arg = args[i] ?? '';
    if (FLAGS.has(arg) || /^--(?:app|reason|at)=/.test(arg) || /^-[am]./.test(arg))
      carried.push(arg);
    else if (WITH_VALUE.has(arg)) {
      carried.push(arg, ...args.slice(i + 1, i + 2));
      i += 1;
    } else if (arg.startsWith('-')) break;
    else path.push(arg);
  }
  return [...path, ...carried, ...args.slice(i)];
};

const isComplete = ([name, verb]: readonly string[], isGroup: (name: string) => boolean): boolean =>
  name !== undefined && (verb !== undefined || !isGroup(name));

/** JSON mode as asked for anywhere before `--`: also errors of the parser itself are then JSON. */
export const asksForJson = (args: readonly string[]): boolean => {
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).includes('--json');
};
