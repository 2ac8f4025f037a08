import type { Explanation } from '@shiplog/events';
import type { ProgressEvent } from '../progress/index.js';
import { printable } from './decide-push.js';
import type { Say } from './push.js';

/** Prints progress on the pusher's terminal. True when it ended well. */
export const printProgress = async (
  events: AsyncIterable<ProgressEvent>,
  say: Say,
): Promise<boolean> => {
  for await (const event of events) {
    switch (event.kind) {
      case 'output':
        say(`       ${cleanLine(event.text)}`);
        break;
      case 'step':
        say(`-----> ${cleanLine(event.text)}`);
        break;
      case 'done':
        say(`-----> ${cleanLine(event.text)}`);
        return true;
      case 'failed':
        for (const line of failureLines(event)) say(` !     ${line}`);
        return false;
    }
  }
  return false;
};

/** In the order in which a person asks: what, what was tried, what it said, what would help. */
const failureLines = ({ text, explanation }: ProgressEvent): readonly string[] => {
  const lines = [cleanLine(text)];
  if (explanation !== undefined) lines.push(...detailsOf(explanation));
  return lines;
};

const detailsOf = (e: Explanation): readonly string[] => [
  ...fact('tried', e.tried),
  ...fact('the probe got', e.probe),
  ...(e.listening.length === 0 ? [] : [`it listens on ${e.listening.join(', ')}`]),
  ...(e.exitCode === null ? [] : [`exit code ${e.exitCode}`]),
  ...(e.oomKilled ? ['it ran out of memory'] : []),
  ...(e.logLines.length === 0
    ? []
    : ['last lines:', ...e.logLines.map((l) => `  ${cleanLine(l)}`)]),
  ...fact('what would help', e.remedy),
];

const fact = (what: string, text: string | null): readonly string[] =>
  text === null ? [] : [`${what}: ${cleanLine(text)}`];

/** Builds print colours and carriage returns; a terminal that is not theirs gets the text only. */
const cleanLine = (text: string): string =>
  printable(text.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, '').replaceAll('\t', '  '));
