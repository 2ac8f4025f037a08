import { describe, expect, it } from 'vitest';
import { FILES } from './file-names.js';
import { readBack } from './read-back.js';
import { stateAfter } from './state-after.js';
import { STATE_FILE_HEADER, type HaproxyState } from './state.js';

const WORKER = 'Pid: 7,Start_time_sec: 100';

const stateOf = (commands: readonly string[]): HaproxyState => {
  const after = stateAfter(commands);
  if (after === undefined) throw new Error('not all of these commands are known');
  return after.state;
};

/** A worker that holds this, as it answers at its socket. */
const workerWith = (state: HaproxyState, worker = WORKER) => {
  const mapOf = (file: string): ReadonlyMap<string, string> => {
    const name = Object.entries(FILES).find(([, known]) => known === file)?.[0] ?? '';
    return state[name as 'owners'];
  };
  const answer = (command: string): string => {
    const [verb, what = '', name = '', key = ''] = command.split(' ');
    if (command === 'show info') return `${worker.replace(',', '\n')}\n`;
    if (verb === 'show' && what === 'map')
      return [...mapOf(name)].map(([k, v]) => `0x1 ${k} ${v}\n`).join('');
    if (verb === 'get') {
      const value = mapOf(name).get(key);
      if (value === undefined) return 'type=str, case=sensitive, found=no\n';
      return `type=str, case=sensitive, found=yes, idx=tree, key="${key}", value="${value}", type="str"\n`;
    }
    const backend = command.replace('show servers state ', '');
    const lines = [...state.servers.values()].filter((slot) => slot.backend === backend);
    return `${STATE_FILE_HEADER}${lines.map(({ line }) => `${line}\n`).join('')}`;
  };
  return { ask: (commands: readonly string[]) => Promise.resolve(commands.map(answer)) };
};

const BEFORE = [
  `add map ${FILES.owners} slot0001 a1`,
  `add map ${FILES.owners} slot0001/s1 i1`,
  'set server slot0001/s1 addr 127.0.0.1 port 9001',
  'set server slot0001/s1 state ready',
  `add map ${FILES.sessions} slot0001/abc s1`,
];
const COMMANDS = [
  `add map ${FILES.owners} slot0001/s2 i2`,
  'set server slot0001/s2 addr 127.0.0.2 port 9002',
  'set server slot0001/s2 state ready',
  'set server slot0001/s1 state maint',
  `del map ${FILES.owners} slot0001/s1`,
  `del map ${FILES.sessions} slot0001/abc`,
  `add map ${FILES.matches} ^slot0001[|]x slot0001=header:x-canary=yes`,
  `add map ${FILES.picks} slot0001 off`,
  `set map ${FILES.picks} slot0001 on`,
];
const before = stateOf(BEFORE);
/** A place that nobody has is none. */
const after = (): HaproxyState => {
  const state = stateOf([...BEFORE, ...COMMANDS]);
  const servers = new Map([...state.servers].filter(([key]) => state.owners.has(key)));
  return { ...state, servers };
};

describe('what commands touched', () => {
  it('is read back, and is what they say', async () => {
    expect(await readBack(workerWith(after()), WORKER, before, COMMANDS)).toEqual(after());
  });

  it.each<[string, Partial<HaproxyState>]>([
    ['has another value', { picks: new Map([['slot0001', 'off']]) }],
    ['is not there', { owners: new Map([['slot0001', 'a1']]) }],
    ['was not taken out', { sessions: new Map([['slot0001/abc', 's1']]) }],
    ['is an expression that is missing', { matches: new Map() }],
  ])('has everything read again when it %s', async (_, other) => {
    const worker = workerWith({ ...after(), ...other });
    expect(await readBack(worker, WORKER, before, COMMANDS)).toBeUndefined();
  });

  it('has everything read again when another worker answers, or it is of all apps', async () => {
    const other = workerWith(after(), 'Pid: 7,Start_time_sec: 101');
    expect(await readBack(other, WORKER, before, COMMANDS)).toBeUndefined();
    const domain = `add map ${FILES.domains} a.localhost slot0001`;
    expect(await readBack(workerWith(after()), WORKER, before, [domain])).toBeUndefined();
  });

  it('is found under its key, and not under the beginning of it', async () => {
    const answers: Record<string, string> = {
      'show info': WORKER.replace(',', '\n'),
      [`get map ${FILES.allowed} slot0001=8:7F00`]:
        'type=beg, case=sensitive, found=yes, idx=tree, key="slot0001=8:7F", value="on", type="str"\n',
    };
    const ask = (commands: readonly string[]) =>
      Promise.resolve(commands.map((command) => answers[command] ?? ''));
    const put = [`add map ${FILES.allowed} slot0001=8:7F00 on`];
    expect(await readBack({ ask }, WORKER, before, put)).toBeUndefined();
    const taken = [`del map ${FILES.allowed} slot0001=8:7F00`];
    expect(await readBack({ ask }, WORKER, before, taken)).toEqual(before);
  });
});
