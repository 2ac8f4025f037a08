import { defineCommand } from '../command.js';
import { usageError } from '../exit-code.js';
import { followProgress } from '../progress/follow-progress.js';
import { printableLine } from '../render/printable.js';

export const rollback = defineCommand({
  name: 'rollback',
  args: [['[version]', '3 or v3; default: the release that served before this one']],
  summary: 'go back to an earlier release',
  details:
    'Image, processes and config of that release come back as a new release, without a gap. ' +
    'What was deployed since stays in the list.',
  examples: [
    ['rollback -a shop', 'to what served before'],
    ['rollback v3 -a shop -m "v4 loses carts"', 'to a certain release'],
  ],
  takes: ['app', 'reason', 'wait', 'override'],
  run: async (invocation) => {
    const { args, out, options } = invocation;
    const version = args[0] === undefined ? undefined : parseVersion(args[0]);
    const app = await invocation.app();
    const answer = await (
      await invocation.client()
    ).releases.rollBack(app, version, invocation.change);
    if (options.wait === false) {
      out.json({ ...answer, settled: false });
      out.line(
        `v${answer.release} (rollback to v${answer.rollbackOf}) was asked for; not waiting.`,
      );
      return;
    }
    const {
      kind: _kind,
      at: _at,
      ...done
    } = await followProgress(invocation, app, {
      deploy: answer.deployId,
    });
    out.json({ ...answer, settled: true, ...done });
    out.line(printableLine(done.text));
  },
});

const parseVersion = (text: string): number => {
  const digits = /^v?([1-9]\d{0,8})$/.exec(text)?.[1];
  if (digits !== undefined) return Number(digits);
  throw usageError(
    `"${text}" is not a release`,
    'Write 3 or v3; they are listed by: shiplog releases list',
  );
};
