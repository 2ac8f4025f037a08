import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { World } from '@shiplog/domain';
import { InMemoryEventLog, LogFeed } from '@shiplog/events/log';
import { CommandHandler, CrowdedError } from './handle-command.js';
import { worldFold } from './world-fold.js';

const actor = { kind: 'user', id: 'u1', name: 'ann' } as const;

const platform = async () => {
  const log = new InMemoryEventLog();
  const world = new World();
  const feed = new LogFeed(log).add(worldFold(world, 'test'));
  await feed.start();
  return { log, world, feed, commands: new CommandHandler({ log, world, feed }) };
};

describe('handling a command', () => {
  it('appends what the aggregate decides and shows it in the world', async () => {
    const { commands, world, feed } = await platform();
    const result = await commands.handle(
      'app',
      'a1',
      { type: 'CreateApp', appId: 'a1', name: 'hello', teamId: 't1' },
      { actor },
    );
    expect(result).toMatchObject({ outcome: 'accepted', events: [{ type: 'AppCreated' }] });
    await feed.catchUp();
    expect(world.app('a1')).toMatchObject({ name: 'hello', generation: 0 });
  });

  it('lets one of many racers for a name win and tells the others', async () => {
    const { commands } = await platform();
    const results = await Promise.all(
      Array.from({ length: 16 }, (_, i) =>
        commands.handle(
          'name',
          'hello',
          { type: 'ReserveName', name: 'hello', appId: `a${i}`, teamId: 't1' },
          { actor },
        ),
      ),
    );
    expect(results.filter((r) => r.outcome === 'accepted')).toHaveLength(1);
    expect(results.filter((r) => r.outcome === 'rejected')).toHaveLength(15);
  });

  it('carries out every one of many changes of one app that come at once', async () => {
    const { commands, log } = await platform();
    // As a disk does: one commit after the other, two milliseconds each.
    const appendNow = log.append.bind(log);
    let disk: Promise<unknown> = Promise.resolve();
    log.append = (...commit) => {
      const written = disk.then(() => delay(2)).then(() => appendNow(...commit));
      disk = written;
      return written;
    };
    const create = { type: 'CreateApp', appId: 'a1', name: 'hello', teamId: 't1' } as const;
    await commands.handle('app', 'a1', create, { actor });
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        commands.handle(
          'app',
          'a1',
          { type: 'ChangeSettings', changes: { port: 3000 + i }, baseVersion: null },
          { actor },
        ),
      ),
    );
    expect(results.filter(({ outcome }) => outcome === 'accepted')).toHaveLength(100);
    expect(await log.read('app.a1')).toHaveLength(101);
  });

  it('serves those first who came first, and tells of a crowd when their turn does not come', async () => {
    const { commands, log } = await platform();
    const create = { type: 'CreateApp', appId: 'a1', name: 'hello', teamId: 't1' } as const;
    await commands.handle('app', 'a1', create, { actor });
    const change = (port: number) => {
      const command = { type: 'ChangeSettings', changes: { port }, baseVersion: null } as const;
      return commands.handle('app', 'a1', command, { actor });
    };
    // The first two appends after the creation meet a writer of another process.
    const append = log.append.bind(log);
    let lost = 0;
    log.append = async (...commit) =>
      (lost += 1) <= 2 ? { outcome: 'conflict', actual: '' as never } : append(...commit);
    const first = change(3001);
    await delay(0);
    const ports = await Promise.all([first, change(3002), change(3003)]);
    expect(ports.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'accepted']);
    const made = (await log.read('app.a1')).flatMap(({ commit }) => commit.events).slice(1);
    expect(made.map(({ data }) => data)).toMatchObject(
      [3001, 3002, 3003].map((port) => ({ changes: { port } })),
    );

    log.append = () => Promise.resolve({ outcome: 'conflict', actual: '' as never });
    await expect(change(3004)).rejects.toThrow(CrowdedError);
  });

  it('carries the same request out once, and refuses its key with another body', async () => {
    const { commands, log, feed } = await platform();
    const create = { type: 'CreateApp', appId: 'a1', name: 'hello', teamId: 't1' } as const;
    const command = { id: 'c1', digest: 'd1' };
    const [first, second] = await Promise.all([
      commands.handle('app', 'a1', create, { actor, command }),
      commands.handle('app', 'a1', create, { actor, command }),
    ]);
    expect([first.outcome, second.outcome].toSorted()).toEqual(['accepted', 'repeated']);
    await feed.catchUp();
    expect(await commands.handle('app', 'a1', create, { actor, command })).toMatchObject({
      outcome: 'repeated',
    });
    expect(
      await commands.handle('app', 'a1', create, { actor, command: { id: 'c1', digest: 'd2' } }),
    ).toEqual({ outcome: 'idempotency-key-reused' });
    expect(await log.read('app.a1')).toHaveLength(1);
  });

  it('refuses the key of a request that is just being carried out with another body', async () => {
    const { commands } = await platform();
    const create = { type: 'CreateApp', appId: 'a1', name: 'hello', teamId: 't1' } as const;
    const results = await Promise.all(
      ['d1', 'd2'].map((digest) =>
        commands.handle('app', 'a1', create, { actor, command: { id: 'c1', digest } }),
      ),
    );
    expect(results.map(({ outcome }) => outcome).toSorted()).toEqual([
      'accepted',
      'idempotency-key-reused',
    ]);
  });

  it('knows a revision that it has not read yet', async () => {
    const { log, commands } = await platform();
    const elsewhere = new World();
    const behind = new LogFeed(log).add(worldFold(elsewhere, 'test'));
    const late = new CommandHandler({ log, world: elsewhere, feed: behind });
    const create = { type: 'CreateApp', appId: 'a1', name: 'hello', teamId: 't1' } as const;
    const created = await commands.handle('app', 'a1', create, { actor });
    const expectedRevision = created.outcome === 'accepted' ? created.revision : '';
    const starting = behind.start();
    const stop = { type: 'StopApp' } as const;
    expect(await late.handle('app', 'a1', stop, { actor, expectedRevision })).toMatchObject({
      outcome: 'accepted',
    });
    expect(await late.handle('app', 'a1', stop, { actor, expectedRevision })).toMatchObject({
      outcome: 'revision-conflict',
    });
    await starting;
  });
});
