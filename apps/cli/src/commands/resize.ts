import { defineCommand } from '../command.js';
import { usageError } from '../exit-code.js';
import { parseLimits } from '../parse/limits.js';
import { parsePairs } from '../parse/pairs.js';
import { settle } from '../settle.js';

export const resize = defineCommand({
  name: 'resize',
  args: [['<process=limits>', 'a process type and its limits, separated by commas']],
  summary: 'change memory, CPU and other limits of one process type while it runs',
  details: `Nothing is restarted: running instances get the new limits within seconds, and every later one has them.
A memory limit below what an instance uses just now is refused for that instance, and made as soon as it uses less.
\`settings set\` changes the limits of all process types that have none of their own.

Limits: a size (memory), 1cpu, 200pids, or by name:
  memory:512M memory-reservation:256M cpus:1 cpu-reservation:0.5 pids:200 io-weight:300
  default         those of the app again, except what is named beside it`,
  examples: [
    ['resize web=512M,1cpu -a shop', 'memory and CPU of web'],
    ['resize worker=memory:2G,memory-reservation:1G -a shop -m "big imports"', 'by name'],
    ['resize worker=default -a shop', 'as the rest of the app'],
  ],
  takes: ['app', 'reason', 'wait'],
  run: async (invocation) => {
    const [pair, ...more] = parsePairs(invocation.args, 'shiplog resize web=512M,1cpu');
    if (pair === undefined || more.length > 0) {
      throw usageError('resize takes one process type', 'For example: shiplog resize web=512M');
    }
    const [process, text] = pair;
    const change = parseLimits(text);
    const app = await invocation.app();
    const { limits } = await invocation.client();
    const answer = await limits.change(app, { process, ...change }, invocation.change);
    await settle(
      invocation,
      app,
      answer,
      `${app}: ${process} ${text}`,
      `${app}: ${process} is ${text}`,
    );
  },
});
