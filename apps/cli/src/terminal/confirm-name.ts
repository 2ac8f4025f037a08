import type { Invocation } from '../command.js';
import { usageError } from '../exit-code.js';
import { ask } from './ask.js';

export const CONFIRM = (of: string) =>
  ({ flags: '--confirm <name>', help: `the name of the ${of} once more` }) as const;

/** The name of what goes, once more, given or typed: so that nothing goes by accident. */
export const confirmedName = async (
  { io, out, options }: Invocation<{ confirm?: string }>,
  of: string,
  how: {
    readonly name: string;
    /** What is lost by it, for whoever is asked. */
    readonly loss: string;
    /** What to write where nobody can be asked. */
    readonly command: string;
  },
): Promise<string> => {
  if (options.confirm !== undefined) return options.confirm;
  if (out.isJson || io.stdin.isTTY !== true) {
    throw usageError(
      `this needs the name of the ${of} as confirmation`,
      `If you mean it: shiplog ${how.command} --confirm ${how.name}`,
    );
  }
  return ask(io, `${how.loss} The name of the ${of} to confirm: `);
};
