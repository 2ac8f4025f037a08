import type { Explanation } from '@shiplog/events';
import type { ProgressEvent } from '../progress/index.js';
import { printable } from './decide-push.js';
import type { Say } from './push.js';

/** Lines of output that are still on the screen, and need not be said again. */
const SCREEN_LINES = 60;

/** Prints progress on the pusher's terminal. True when it ended well. */
export const printProgress = async (
  events: AsyncIterable<ProgressEvent>,
  say: Say,
): Promise<boolean> => {
  const screen: string[] = [];
  for await (const event of events) {
    switch (event.kind) {
      case 'output': {
        const line = cleanLine(event.text);
        say(`       ${line}`);
        screen.push(line);
        if (screen.length > SCREEN_LINES) screen.shift();
        break;
      }
      case 'step':
        say(`-----> ${cleanLine(event.text)}`);
        break;
      case 'done':
        say(`-----> ${cleanLine(event.text)}`);
        return true;
      case 'failed':
        for (const line of failureLines(event, screen)) say(` !     ${line}`);
        return false;
    }
  }
  return false;
};

/** In the order in which a person asks: what, what was tried, what it said, what would help. */
const failureLines = (
  { text, explanation }: ProgressEvent,
  screen: readonly string[],
): readonly string[] => {
  const summary = cleanLine(text);
  return explanation === undefined
    ? [summary]
    : [summary, ...detailsOf(explanation, summary, screen)];
};

const detailsOf = (
  e: Explanation,
  summary: string,
  screen: readonly string[],
): readonly string[] => [
  ...fact('tried', e.tried),
  ...fact('the probe got', e.probe),
  ...(e.listening.every((address) => summary.includes(address))
    ? []
    : [`it listens on ${e.listening.join(', ')}`]),
  ...(e.exitCode === null || new RegExp(`code ${e.exitCode}\\b`).test(summary)
    ? []
    : [`exit code ${e.exitCode}`]),
  ...(e.oomKilled ? ['it ran out of memory'] : []),
  ...lastLines(e.logLines.map(cleanLine), screen),
  ...fact('what would help', e.remedy),
];

const lastLines = (lines: readonly string[], screen: readonly string[]): readonly string[] =>
  lines.every((line) => screen.includes(line))
    ? []
    : ['last lines:', ...lines.map((l) => `  ${l}`)];

const fact = (what: string, text: string | null): readonly string[] =>
  text === null ? [] : [`${what}: ${cleanLine(text)}`];

/** Builds print colours and carriage returns; a terminal that is not theirs gets the text only. */
const cleanLine = (text: string): string =>
  printable(text.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, '').replaceAll('\t', '  '));
