import type { Keys } from '@shiplog/api-client';
import { defineCommand, type GroupSpec } from '../command.js';
import { CliError, EXIT } from '../exit-code.js';
import { withNotice } from '../progress/progress-view.js';
import type { Column } from '../render/table.js';
import { relativeTime } from '../render/time.js';

type Key = Keys['keys'][number];

const list = defineCommand({
  name: 'list',
  summary: 'show the master key and what it wraps: ids and ages, never keys',
  details: 'Administrators only.',
  examples: [['keys list', 'one key for every app that ever had config']],
  onlyNow: 'Keys lie beside the log, so that a destroyed one is gone for every moment.',
  run: async ({ client, out, io }) => {
    const shown = await (await client()).keys.list();
    out.json(shown);
    const { masterKey, rotatingTo, keys: all } = shown;
    out.fields([
      ['Master key', masterKey?.id ?? 'none yet: it is made with the first key'],
      ['Made', relativeTime(masterKey?.createdAt ?? null, io.now())],
      ['File', masterKey?.file],
      ['Being replaced by', rotatingTo],
    ]);
    out.line();
    const columns: readonly Column<Key>[] = [
      { title: 'key of', value: ({ kind, name, id }) => `${kind} ${name ?? id}` },
      { title: 'wrapped with', value: ({ masterKeyId }) => masterKeyId ?? 'nothing' },
      { title: 'made', value: ({ createdAt }) => relativeTime(createdAt, io.now()) },
    ];
    await out.table(all, columns, 'No keys: no app has config yet.');
  },
});

const rotate = defineCommand({
  name: 'rotate',
  summary: 'make a new master key and wrap every key with it',
  details:
    'Config values and running apps are not touched. Copies of the keys from before open only with a copy of ' +
    'the old master key: make a new backup afterwards. Administrators only.',
  examples: [['keys rotate -m "left the company"', 'done when it returns; again if in doubt']],
  takes: ['reason'],
  run: async ({ client, change, out, io }) => {
    const api = await client();
    const rotated = await withNotice({ io, out }, 'wrapping keys', api.keys.rotate(change));
    out.json(rotated);
    if (!rotated.done) {
      throw new CliError(
        EXIT.failed,
        'key-rotation-running',
        `master key ${rotated.masterKeyId} was requested and is not in its place yet`,
        {
          remedy:
            'It goes on by itself; `shiplog keys list` and `shiplog doctor` tell how far it is.',
        },
      );
    }
    const count = `${rotated.keys} key${rotated.keys === 1 ? '' : 's'}`;
    out.line(
      `Master key ${rotated.masterKeyId} wraps ${count}; ${rotated.previousMasterKeyId ?? 'none'} is forgotten.`,
    );
    out.note('Make a new backup now: earlier copies of the keys need the earlier master key.');
  },
});

export const keys: GroupSpec = {
  name: 'keys',
  summary: 'list the keys of apps, replace the master key',
  commands: [list, rotate],
};
