import { defineCommand, type CommandSpec } from '../command.js';
import { settle } from '../settle.js';

const powerCommand = (
  verb: 'restart' | 'stop' | 'start',
  summary: string,
  details: string,
  asked: string,
): CommandSpec =>
  defineCommand({
    name: verb,
    summary,
    details,
    examples: [
      [`${verb} -a shop`, summary],
      [`${verb} -a shop -m "after the migration"`, 'with the reason in the log'],
    ],
    takes: ['app', 'reason', 'wait'],
    run: async (invocation) => {
      const app = await invocation.app();
      const answer = await (await invocation.client()).apps[verb](app, invocation.change);
      await settle(invocation, app, answer, `${asked} ${app}`);
    },
  });

export const restart = powerCommand(
  'restart',
  'replace all instances by new ones of the same release',
  'One after the other and without a gap: new ones serve before old ones stop.',
  'Restarting',
);
export const stop = powerCommand(
  'stop',
  'stop all instances of an app',
  'Its release, config and domains stay; `shiplog start` starts it again.',
  'Stopping',
);
export const start = powerCommand(
  'start',
  'start a stopped app again',
  'With the release, config and number of instances it had.',
  'Starting',
);
