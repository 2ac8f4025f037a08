import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { World } from '@shiplog/domain';
import { origin as originSchema } from '@shiplog/events';
import { Keyring, MasterKey } from '@shiplog/secrets';
import { ERASED, Persons } from './persons.js';

let directory: string;
let erasures: number;
let keyring: Keyring;
let persons: Persons;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shiplog-persons-'));
  erasures = 0;
  const master = new MasterKey(join(directory, 'master.key'));
  keyring = new Keyring(join(directory, 'people'), master, 'person');
  const user = { status: 'active', userId: 'ann', name: 'ann', administrator: false } as const;
  const world = new World();
  const get = () => ({ ...world.get('user', 'ann'), state: { ...user, erasures } });
  persons = new Persons({
    keyring,
    world: { get } as never,
    logger: { warn: () => undefined },
  });
});
afterEach(() => rm(directory, { recursive: true }));

const ann = { kind: 'person', userId: 'ann' } as const;
const from = {
  tokenId: 't1',
  address: '2001:db8:85a3:8d3:1319:8a2e:370:7348',
  userAgent: 'shiplog',
};

describe('from where a person called', () => {
  it('is sealed, fits the log, and is opened again', async () => {
    const sealed = await persons.seal(ann, from);
    expect(JSON.stringify(sealed)).not.toMatch(/2001:db8|"shiplog"/);
    expect(sealed.tokenId).toBe('t1');
    expect(await persons.open(ann, sealed)).toEqual(from);
  });

  it('fits the log at its longest', async () => {
    const longest = { tokenId: null, address: 'f'.repeat(64), userAgent: 'x'.repeat(300) };
    expect(originSchema.safeParse(await persons.seal(ann, longest)).success).toBe(true);
    // Node.js gives a header as Latin-1: at most two bytes for a character.
    const latin = { ...longest, userAgent: 'ü'.repeat(300) };
    expect(originSchema.safeParse(await persons.seal(ann, latin)).success).toBe(true);
  });

  it('is erased with the key, for ever, and what comes after it is readable again', async () => {
    const before = await persons.seal(ann, from);
    erasures = 1;
    await persons.erase('ann', 1);
    await persons.erase('ann', 1);
    expect(await readdir(join(directory, 'people'))).toEqual([]);
    expect(await persons.open(ann, before)).toMatchObject({ address: ERASED, userAgent: ERASED });
    const after = await persons.seal(ann, from);
    expect(await persons.open(ann, after)).toEqual(from);
    expect(await persons.open(ann, before)).toMatchObject({ address: ERASED });
    // As at a start, when the erasure of before is carried out once more.
    await persons.erase('ann', 1);
    expect(await persons.open(ann, after)).toEqual(from);
  });

  it('is not readable with the key of somebody else', async () => {
    const sealed = await persons.seal(ann, from);
    const other = { kind: 'person', userId: 'bob' } as const;
    expect(await persons.open(other, sealed)).toMatchObject({ address: ERASED });
    expect(await persons.open(null, sealed)).toMatchObject({ address: ERASED });
  });

  it('of earlier releases is given as it was written', async () => {
    const plain = { tokenId: 't1', address: '192.0.2.7', userAgent: 'shiplog/0.1.0' };
    expect(await persons.open(ann, plain)).toEqual(plain);
  });

  it('of strangers has a key for each day', async () => {
    const monday = { kind: 'strangers', day: '2026-11-23' } as const;
    const tuesday = { kind: 'strangers', day: '2026-11-24' } as const;
    const [first, second] = [await persons.seal(monday, from), await persons.seal(tuesday, from)];
    await persons.eraseStrangers('2026-11-23');
    expect(await persons.open(monday, first)).toMatchObject({ address: ERASED });
    expect(await persons.open(tuesday, second)).toEqual(from);
  });

  it('is left out where it cannot be sealed: the change goes on', async () => {
    const broken = new Persons({
      keyring: { ...keyring, encrypt: () => Promise.reject(new Error('disk full')) } as never,
      world: new World(),
      logger: { warn: () => undefined },
    });
    const kept = { tokenId: 't1', address: null, userAgent: null };
    expect(await broken.seal(ann, from)).toEqual(kept);
  });
});
