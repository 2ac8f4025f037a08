import type { GarbageItem } from '@shiplog/api-client';
import { defineCommand, type GroupSpec } from '../command.js';
import { parseInteger, parseSeconds } from '../parse/quantity.js';
import { withNotice } from '../progress/progress-view.js';
import { sizeText } from '../render/size.js';
import type { Column } from '../render/table.js';
import { durationText } from '../render/time.js';

const COLUMNS: readonly Column<GarbageItem>[] = [
  { title: 'kind', value: ({ kind }) => kind },
  { title: 'id', value: ({ id }) => id.replace(/^sha256:/, '').slice(0, 12) },
  { title: 'reason', value: ({ reason }) => reason },
  { title: 'size', value: ({ bytes }) => sizeText(bytes), align: 'right' },
];

const preview = defineCommand({
  name: 'preview',
  summary: 'show what would be collected now',
  examples: [['gc preview', 'nothing is removed']],
  run: async ({ client, out, io }) => {
    const items = await withNotice({ io, out }, 'looking', (await client()).garbage.preview());
    out.json(items);
    await out.table(items, COLUMNS, 'There is nothing to collect.');
  },
});

const run = defineCommand({
  name: 'run',
  summary: 'collect garbage now',
  examples: [['gc run', 'what `gc preview` shows']],
  takes: ['reason'],
  run: async ({ client, change, out, io }) => {
    const items = await withNotice({ io, out }, 'collecting', (await client()).garbage.run(change));
    out.json(items);
    await out.table(items, COLUMNS, 'There was nothing to collect.');
  },
});

interface PolicyOptions {
  readonly exitedKept?: number;
  readonly minimumAge?: number;
}

const policy = defineCommand<PolicyOptions>({
  name: 'policy',
  summary: 'show or set what is kept for how long',
  examples: [
    ['gc policy', 'as it is'],
    [
      'gc policy --exited-kept 5 --minimum-age 1h',
      'keep more exited containers, for an hour at least',
    ],
  ],
  options: [
    {
      flags: '--exited-kept <count>',
      help: 'newest exited containers kept per app and process',
      parse: parseInteger('--exited-kept', 0, 1000),
    },
    {
      flags: '--minimum-age <duration>',
      help: 'younger containers are never collected',
      parse: (text) => parseSeconds('--minimum-age', text),
    },
  ],
  takes: ['reason'],
  run: async ({ client, options, change, out }) => {
    const { garbage } = await client();
    const { exitedKept, minimumAge } = options;
    const current = await garbage.policy();
    const isChange = exitedKept !== undefined || minimumAge !== undefined;
    const shown = isChange
      ? await garbage.changePolicy(
          {
            exitedKept: exitedKept ?? current.exitedKept,
            minimumAgeSeconds: minimumAge ?? current.minimumAgeSeconds,
          },
          change,
        )
      : current;
    out.json(shown);
    out.fields([
      ['Exited containers kept', shown.exitedKept],
      ['Minimum age', durationText(shown.minimumAgeSeconds * 1000)],
    ]);
  },
});

export const gc: GroupSpec = {
  name: 'gc',
  summary: 'collect garbage on the machines',
  commands: [preview, run, policy],
};
