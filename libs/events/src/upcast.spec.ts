import { z } from 'zod';
import { afterAll, describe, expect, it, vi } from 'vitest';

/** As a developer would do it, to an event that was released at version 1: two versions later. */
vi.mock('./registry.js', async (original) => {
  const registry = await original<typeof import('./registry.js')>();
  const { defineEvent } = await import('./event.js');
  const { id } = await import('./ids.js');
  const stopped = defineEvent('AppStopped', 3, {
    app: z.strictObject({ id }),
    why: z.enum(['asked', 'idle']),
  });
  const others = registry.schemaByAggregate.app.options.filter(
    ({ shape }) => shape.type.value !== 'AppStopped',
  );
  const app = { options: [...others, stopped] };
  return { ...registry, schemaByAggregate: { ...registry.schemaByAggregate, app } };
});
vi.mock('./upcasters.js', () => ({
  upcasters: {
    'AppStopped.1': (data: { appId: string }) => ({ ...data, why: 'asked' }),
    'AppStopped.2': ({ appId, ...rest }: { appId: string }) => ({ app: { id: appId }, ...rest }),
  },
}));
// Another spec may have loaded the true ones, and a later one needs them.
vi.resetModules();
afterAll(() => void vi.resetModules());
const { decodeCommit, encodeCommit, sha256 } = await import('./log/encode.js');
const { commitAfter, newStream, NO_COMMIT } = await import('./testing/commits.js');
const { upcast } = await import('./upcast.js');

const commitOf = (event: object) =>
  commitAfter(newStream(), NO_COMMIT, { events: [event] as never });
const first = { type: 'AppStopped', v: 1, data: { appId: 'a1' } };
const second = { type: 'AppStopped', v: 2, data: { appId: 'a1', why: 'idle' } };
const today = { type: 'AppStopped', v: 3, data: { app: { id: 'a1' }, why: 'asked' } };

describe('an event that has had three versions', () => {
  it('is read in the shape of today, whatever version was stored, from the same bytes', () => {
    const readAs = (event: object): unknown => {
      const bytes = Buffer.from(JSON.stringify(commitOf(event)));
      return decodeCommit(bytes, sha256(bytes), '1').events[0];
    };
    expect(readAs(first)).toEqual(today);
    expect(readAs(second)).toEqual({ ...today, data: { ...today.data, why: 'idle' } });
    expect(readAs(today)).toEqual(today);
    expect(readAs({ type: 'AppStarted', v: 1, data: { appId: 'a1' } })).toMatchObject({ v: 1 });
  });

  it('is written in the shape of today only', () => {
    expect(() => encodeCommit(commitOf(today))).not.toThrow();
    expect(() => encodeCommit(commitOf(first))).toThrow('AppStopped version 1');
    expect(() => encodeCommit(commitOf(second))).toThrow('AppStopped version 2');
  });

  it('of a fourth version is for a newer Shiplog to read', () => {
    expect(() => upcast({ ...today, v: 4 })).toThrow('has version 4, and this version of Shiplog');
  });
});
