import { HOST_PATTERN, ID_PATTERN } from '@shiplog/events';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { translate } from './commands.js';
import { HaproxyRuntime } from './runtime.js';
import type { HaproxyState } from './state.js';
import { sessionOf } from '../routes/traffic-rules.js';
import type { RouteAction } from '../routes/router.port.js';

const empty: HaproxyState = {
  hosts: new Map(),
  uses: new Map(),
  matches: new Map(),
  picks: new Map(),
  owners: new Map(),
  policies: new Map(),
  networks: new Map(),
  clients: new Map(),
  sessions: new Map(),
  notices: new Map(),
  allowed: new Map(),
  servers: new Map(),
};
const pool = { backends: 2, servers: 2, h2Servers: 0 };
const serve = (instanceId: string, appId: string, port = 9000): RouteAction => ({
  kind: 'serve',
  endpoint: { instanceId, appId, host: '127.0.0.1', port, weight: 1 },
});
const commandsOf = (actions: readonly RouteAction[], state = empty): readonly string[] => {
  const translation = translate(actions, state, pool);
  if (translation.grown !== undefined) throw new Error('it would grow');
  return translation.commands;
};

/** Anything that hosts are made of, right or wrong; the grammar picks. */
const arbitraryHost = fc
  .array(fc.stringMatching(/^[a-z0-9-]{1,12}$/), { minLength: 2, maxLength: 6 })
  .map((labels) => labels.join('.'))
  .filter((host) => HOST_PATTERN.test(host));

describe('ports', () => {
  const ported = { ...pool, ports: [32_100] };
  const at = (instanceId: string) => serve(`${instanceId}@32100`, 'a1');
  it('have places of their own, which are called by the number', () => {
    const actions: RouteAction[] = [
      serve('i1', 'a1'),
      at('i1'),
      { kind: 'bind-host', host: 'tcp:32100', appId: 'a1' },
    ];
    expect(translate(actions, empty, ported).commands).toEqual([
      ...commandsOf([serve('i1', 'a1')]),
      'add map owners.map tcp32100/s1 i1',
      'set server tcp32100/s1 addr 127.0.0.1 port 9000',
      'set server tcp32100/s1 weight 1',
      'set server tcp32100/s1 state ready',
      'add map owners.map tcp32100 a1',
    ]);
  });
  it('are one reload together, and none where they are served already', () => {
    const both: RouteAction[] = [at('i1'), { kind: 'bind-host', host: 'tcp:32101', appId: 'a2' }];
    const { commands, grown } = translate(both, empty, pool);
    expect([commands, grown]).toEqual([[], { ...pool, ports: [32_100, 32_101] }]);
    expect(translate(both, empty, { ...pool, ports: [32_100, 32_101] }).grown).toBeUndefined();
  });
  it.each(['tcp:32100;x', 'tcp:0', 'tcp:65536', 'tcp:1e3'])('%s is none', (host) => {
    const bind = { kind: 'bind-host', host, appId: 'a1' } as const;
    expect(() => translate([bind], empty, ported)).toThrow(/not a (?:domain|port)/);
  });
});

describe('requests that match', () => {
  const owners = new Map([
    ['slot0001', 'a1'],
    ['slot0001/s1', 'i1'],
    ['slot0001/s2', 'i2'],
  ]);
  const match = (rule: string, ...instanceIds: string[]) =>
    ({ kind: 'match', appId: 'a1', match: { rule, instanceIds } }) as const;
  const carriedOut = (commands: readonly string[], state: HaproxyState): HaproxyState => {
    const maps: Record<string, Map<string, string>> = {
      'matches.map': new Map(state.matches),
      'picks.map': new Map(state.picks),
    };
    for (const command of commands) {
      const [verb, , file = '', key = '', value = ''] = command.split(' ');
      if (verb === 'del') maps[file]?.delete(key);
      else maps[file]?.set(key, value);
    }
    return { ...state, matches: maps['matches.map']!, picks: maps['picks.map']! };
  };

  it('are drawn for before they are looked for, and looked for no more before nobody draws', () => {
    const begin = commandsOf([match('cookie:beta', 'i1', 'i2')], { ...empty, owners });
    expect(begin.slice(0, 2)).toEqual([
      'add map picks.map slot0001/0 s1',
      'add map picks.map slot0001/1 s2',
    ]);
    expect(begin.at(-1)).toBe('add map picks.map slot0001 on');
    const state = carriedOut(begin, { ...empty, owners });
    expect(commandsOf([match('cookie:beta', 'i1', 'i2')], state)).toEqual([]);
    const fewer = commandsOf([match('cookie:beta', 'i2')], state);
    expect(fewer.every((command) => command.startsWith('set map picks.map slot0001/'))).toBe(true);
    expect(fewer).toHaveLength(30);
    const end = commandsOf([{ kind: 'unmatch', appId: 'a1' }], state);
    expect(end[0]).toBe('del map picks.map slot0001');
    const after = carriedOut(end, state);
    expect([after.matches.size, after.picks.size]).toEqual([0, 0]);
  });

  it('are never of a rule that is none', () => {
    const wrong = match('header:x=a;b', 'i1');
    expect(() => commandsOf([wrong], { ...empty, owners })).toThrow('not a rule of requests');
  });
});

describe('commands of the runtime API', () => {
  it('name the owner of a slot before it is used', () => {
    expect(
      commandsOf([serve('i1', 'a1'), { kind: 'bind-host', host: 'a1.localhost', appId: 'a1' }]),
    ).toEqual([
      'add map owners.map slot0001 a1',
      'add map owners.map slot0001/s1 i1',
      'set server slot0001/s1 addr 127.0.0.1 port 9000',
      'set server slot0001/s1 weight 1',
      'set server slot0001/s1 state ready',
      `add map sessions.map slot0001/${sessionOf('i1')} s1`,
      'add map domains.map a1.localhost/ slot0001',
    ]);
  });

  it('take a server out before its slot is given free', () => {
    const state = {
      ...empty,
      owners: new Map([
        ['slot0001', 'a1'],
        ['slot0001/s1', 'i1'],
      ]),
    };
    expect(commandsOf([{ kind: 'release', instanceId: 'i1' }], state)).toEqual([
      'set server slot0001/s1 state maint',
      'del map owners.map slot0001/s1',
    ]);
  });

  it('leave out what has no place: it says how many places all need', () => {
    const actions = ['a1', 'a2', 'a3'].flatMap((appId, i): RouteAction[] => [
      serve(`i${i}`, appId),
      { kind: 'bind-host', host: `${appId}.localhost`, appId },
    ]);
    expect(translate(actions, empty, pool)).toEqual({
      commands: commandsOf(actions.slice(0, 4)),
      grown: { backends: 4, servers: 2, h2Servers: 0 },
    });
    const ofOne = ['i1', 'i2', 'i3'].map((id) => serve(id, 'a1'));
    const other: RouteAction = { kind: 'bind-host', host: 'a1.localhost', appId: 'a1' };
    expect(translate([...ofOne, other], empty, pool)).toEqual({
      commands: commandsOf([...ofOne.slice(0, 2), other]),
      grown: { backends: 2, servers: 4, h2Servers: 0 },
    });
    const many = Array.from({ length: 9 }, (_, i) => serve(`i${i}`, `a${i}`));
    expect(translate(many, empty, pool).grown).toEqual({ backends: 16, servers: 2, h2Servers: 0 });
  });

  it('have places for instances that speak HTTP/2, made with the first one', () => {
    const actions: RouteAction[] = [
      serve('i1', 'a1'),
      {
        kind: 'serve',
        endpoint: {
          ...{ instanceId: 'i2', appId: 'a1', host: '127.0.0.1', port: 9000, weight: 1 },
          protocol: 'h2c',
        },
      },
    ];
    expect(translate(actions, empty, pool)).toEqual({
      commands: commandsOf(actions.slice(0, 1)),
      grown: { ...pool, h2Servers: 4 },
    });
    const { commands, grown } = translate(actions, empty, { ...pool, h2Servers: 1 });
    expect(grown).toBeUndefined();
    expect(commands).toContain('set server slot0001/s1 state ready');
    expect(commands).toContain('set server slot0001/h1 state ready');
  });

  it('have the same structure for every host that the grammar accepts', () => {
    fc.assert(
      fc.property(arbitraryHost, fc.stringMatching(ID_PATTERN), (host, appId) => {
        const commands = commandsOf([{ kind: 'bind-host', host, appId }]);
        expect(commands.map((command) => command.split(/\s/))).toEqual([
          ['add', 'map', 'owners.map', 'slot0001', appId],
          ['add', 'map', 'domains.map', `${host}/`, 'slot0001'],
        ]);
        for (const command of commands) expect(command).toMatch(/^[A-Za-z0-9 ._/-]+$/);
      }),
    );
  });

  it('are refused for everything else, before anything is sent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(!HOST_PATTERN.test(text));
        expect(() => commandsOf([{ kind: 'bind-host', host: text, appId: 'a1' }])).toThrow();
      }),
    );
    for (const id of ['a;b', 'a b', 'a\nb', '', 'a\\b', '<<', 'a@b']) {
      expect(() => commandsOf([serve('i1', id)])).toThrow();
      expect(() => commandsOf([serve(id, 'a1')])).toThrow();
    }
    // What looks like a place at a port is no app either.
    expect(() => commandsOf([serve('i1', 'a@32100')])).toThrow();
    for (const port of [0, -1, 65_536, 1.5, Number.NaN]) {
      expect(() => commandsOf([serve('i1', 'a1', port)])).toThrow();
    }
  });

  it('tell nothing that is no page and let nobody pass who is no address', () => {
    const owners = new Map([['slot0001', 'a1']]);
    const maintain = (page: string | null, ...allow: string[]): RouteAction => ({
      kind: 'notify',
      appId: 'a1',
      notice: { kind: 'maintenance', page, allow },
    });
    const state = { ...empty, owners };
    expect(commandsOf([maintain('PGgx', '8:0A')], state)).toEqual([
      'add map allowed.map slot0001=8:0A on',
      'add map notices.map slot0001 maintenance:PGgx',
    ]);
    for (const wrong of ['', '<h1>', 'PGgx PGgx', 'PGgx\nset', 'PG=x', '8:0G', '8:0A 1']) {
      expect(() => commandsOf([maintain(wrong)], state)).toThrow('base64');
      expect(() => commandsOf([maintain(null, wrong)], state)).toThrow('address');
    }
  });

  it('never leave the client when they are more than one', () => {
    const runtime = new HaproxyRuntime('/nowhere.sock');
    for (const command of ['show info; show stat', 'a\nb', 'add map x <<', 'a\\;b', 'a\0b']) {
      expect(() => runtime.ask([command])).toThrow('not one command');
    }
  });
});
