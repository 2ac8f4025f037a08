import { defineCommand } from '../command.js';
import { usageError } from '../exit-code.js';
import { parsePairs } from '../parse/pairs.js';
import { settle } from '../settle.js';

export const scale = defineCommand({
  name: 'scale',
  args: [['<process=count...>', 'process types and how many instances of each']],
  summary: 'set the number of instances',
  details: 'New instances serve before it returns; surplus ones finish their requests first.',
  examples: [
    ['scale web=3 -a shop', 'three instances of web'],
    ['scale web=3 worker=1 -a shop', 'several at once'],
    ['scale worker=0 -a shop -m "queue is empty"', 'none'],
  ],
  takes: ['app', 'reason', 'wait'],
  run: async (invocation) => {
    const formation = parseFormation(invocation.args);
    const app = await invocation.app();
    const answer = await (await invocation.client()).apps.scale(app, formation, invocation.change);
    const asked = Object.entries(formation).map(([process, count]) => `${process}=${count}`);
    await settle(invocation, app, answer, `${app}: ${asked.join(' ')}`);
  },
});

const parseFormation = (words: readonly string[]): Record<string, number> => {
  const formation: Record<string, number> = {};
  for (const [process, text] of parsePairs(words, 'shiplog scale web=3 worker=1')) {
    if (Object.hasOwn(formation, process)) throw usageError(`${process} is named twice`);
    // The upper limit is a rule of the platform, which says it; here only what is no number of things.
    if (!/^\d{1,15}$/.test(text)) {
      throw usageError(
        `${process}: "${text}" is not a number of instances`,
        'Write a whole number from 0 up, such as web=3.',
      );
    }
    formation[process] = Number(text);
  }
  return formation;
};
