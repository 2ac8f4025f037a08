import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BusError, type Bus, type Frame, type Session } from '../bus.port.js';

/** An api and a deployer that are joined; `api` may ask, `deployer` answers. */
export interface BusesUnderTest {
  readonly api: Bus;
  readonly deployer: Bus;
  /** Resolves when what was subscribed so far is in force. */
  settled(): Promise<void>;
  /** Cuts the deployer off without a goodbye. */
  killDeployer(): Promise<void>;
  close(): Promise<void>;
}

/** The heartbeat under test: a silent peer is noticed after three. */
export const HEARTBEAT_MS = 50;

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

const framesOf = (session: Session): Frame[] => {
  const frames: Frame[] = [];
  session.onFrame((frame) => frames.push(frame));
  return frames;
};

/** What every adapter of `Bus` promises. */
export const describeBus = (name: string, open: () => Promise<BusesUnderTest>): void => {
  describe(`bus: ${name}`, () => {
    let buses: BusesUnderTest;
    let api: Bus;
    let deployer: Bus;

    beforeEach(async () => {
      buses = await open();
      ({ api, deployer } = buses);
    });
    afterEach(() => buses.close());

    describe('telemetry', () => {
      it('reaches every listener of its topic, in order, until it stops listening', async () => {
        const heard: unknown[] = [];
        const wide: string[] = [];
        const stop = api.listen('deployer', 'logs.a1', (data) => heard.push(data));
        api.listen('deployer', '>', (_, topic) => wide.push(topic));
        await buses.settled();
        deployer.publish('logs.a1', { n: 1 });
        deployer.publish('logs.a2', { n: 2 });
        deployer.publish('logs.a1', { n: 3, text: 'Grüße 🚢' });
        await vi.waitFor(() => expect(wide).toEqual(['logs.a1', 'logs.a2', 'logs.a1']));
        expect(heard).toEqual([{ n: 1 }, { n: 3, text: 'Grüße 🚢' }]);
        stop();
        await buses.settled();
        deployer.publish('logs.a1', { n: 4 });
        await vi.waitFor(() => expect(wide).toHaveLength(4));
        expect(heard).toHaveLength(2);
      });
    });

    describe('a request', () => {
      it('is answered', async () => {
        deployer.serve('sum', (input) => {
          const { a, b } = input as { a: number; b: number };
          return Promise.resolve({ sum: a + b });
        });
        await buses.settled();
        expect(await api.request('deployer', 'sum', { a: 2, b: 3 })).toEqual({ sum: 5 });
      });

      it('gets the error of the handler with its code', async () => {
        deployer.serve('logs', () =>
          Promise.reject(Object.assign(new Error('no such instance'), { code: 'not-found' })),
        );
        await buses.settled();
        const asked = api.request('deployer', 'logs', {});
        await expect(asked).rejects.toMatchObject({
          name: 'BusError',
          code: 'not-found',
          message: 'no such instance',
        });
      });

      it('gets a large answer', async () => {
        const lines = Array.from({ length: 20_000 }, (_, n) => `line ${n} of a long log`);
        deployer.serve('logs', () => Promise.resolve({ lines }));
        await buses.settled();
        expect(await api.request('deployer', 'logs', {})).toEqual({ lines });
      });

      it('keeps answers apart when many are under way', async () => {
        deployer.serve('echo', async (input) => {
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
          return input;
        });
        await buses.settled();
        const asked = Array.from({ length: 100 }, (_, n) => api.request('deployer', 'echo', n));
        expect(await Promise.all(asked)).toEqual(Array.from({ length: 100 }, (_, n) => n));
      });

      it('fails at once when nobody serves it, and in time when nobody answers', async () => {
        await expect(api.request('deployer', 'nothing', {})).rejects.toMatchObject({
          code: 'no-answer',
        });
        deployer.serve('slow', () => new Promise(() => undefined));
        await buses.settled();
        await expect(api.request('deployer', 'slow', {}, { timeoutMs: 50 })).rejects.toBeInstanceOf(
          BusError,
        );
      });

      it('fails when it is served no more', async () => {
        const stop = deployer.serve('ping', () => Promise.resolve('pong'));
        await buses.settled();
        expect(await api.request('deployer', 'ping', {})).toBe('pong');
        stop();
        await buses.settled();
        await expect(api.request('deployer', 'ping', {})).rejects.toMatchObject({
          code: 'no-answer',
        });
      });
    });

    describe('a session', () => {
      const accepted = async (
        serve: (session: Session, input: unknown) => void,
      ): Promise<Session> => {
        deployer.serveSessions('exec', (input, session) => {
          serve(session, input);
          return Promise.resolve();
        });
        await buses.settled();
        return api.open('deployer', 'exec', { command: ['sh'] });
      };

      it('carries frames both ways, in order, bytes as they are', async () => {
        const atServer: Frame[] = [];
        const session = await accepted((server, input) => {
          server.send({ kind: 'hello', head: { input } });
          server.onFrame((frame) => {
            atServer.push(frame);
            server.send({ kind: 'echo', ...(frame.bytes ? { bytes: frame.bytes } : {}) });
          });
        });
        const atClient = framesOf(session);
        const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
        session.send({ kind: 'stdin', bytes });
        session.send({ kind: 'resize', head: { rows: 24, columns: 80 } });
        session.send({ kind: 'stdin', bytes: text('zwei') });
        await vi.waitFor(() => expect(atClient).toHaveLength(4));
        expect(atServer.map(({ kind }) => kind)).toEqual(['stdin', 'resize', 'stdin']);
        expect(atServer[0]?.bytes).toEqual(bytes);
        expect(atServer[1]?.head).toEqual({ rows: 24, columns: 80 });
        expect(atClient[0]?.head).toEqual({ input: { command: ['sh'] } });
        expect(atClient[3]?.bytes).toEqual(text('zwei'));
      });

      it('keeps frames that came before anybody listened', async () => {
        const session = await accepted((server) => {
          for (const kind of ['a', 'b', 'c']) server.send({ kind });
        });
        await buses.settled();
        const frames = framesOf(session);
        await vi.waitFor(() => expect(frames.map(({ kind }) => kind)).toEqual(['a', 'b', 'c']));
      });

      it('carries a megabyte', async () => {
        const session = await accepted((server) => {
          server.send({ kind: 'stdout', bytes: new Uint8Array(1024 * 1024 + 1).fill(7) });
          server.end();
        });
        const frames = framesOf(session);
        expect(await session.ended).toBeUndefined();
        const total = frames.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
        expect(total).toBe(1024 * 1024 + 1);
      });

      it('ends on both sides, whichever ended it', async () => {
        const ends: unknown[] = [];
        const session = await accepted((server) => {
          void server.ended.then((error) => ends.push(error));
        });
        session.end({ code: 'cancelled', message: 'the caller hung up' });
        expect(await session.ended).toMatchObject({ code: 'cancelled' });
        await vi.waitFor(() => expect(ends).toMatchObject([{ code: 'cancelled' }]));
      });

      it('ends with what its handler threw', async () => {
        deployer.serveSessions('exec', () =>
          Promise.reject(Object.assign(new Error('no such instance'), { code: 'not-found' })),
        );
        await buses.settled();
        const session = await api.open('deployer', 'exec', {});
        expect(await session.ended).toEqual({ code: 'not-found', message: 'no such instance' });
      });

      it('ends with what a listener of its frames threw, and nothing else does', async () => {
        const session = await accepted((server) => {
          server.onFrame(() => {
            throw Object.assign(new Error('no such size'), { code: 'bad-frame' });
          });
        });
        deployer.serve('ping', () => Promise.resolve('pong'));
        await buses.settled();
        session.send({ kind: 'resize' });
        expect(await session.ended).toEqual({ code: 'bad-frame', message: 'no such size' });
        expect(await api.request('deployer', 'ping', {})).toBe('pong');
      });

      it('stays open while both sides are silent', async () => {
        let server: Session | undefined;
        const session = await accepted((opened) => (server = opened));
        const ended = vi.fn();
        void session.ended.then(ended);
        void server?.ended.then(ended);
        // That nothing happens can only be seen by letting time pass: twice what kills a silent peer.
        await new Promise((resolve) => setTimeout(resolve, 6 * HEARTBEAT_MS));
        expect(ended).not.toHaveBeenCalled();
        session.end();
      });

      it('ends when the peer dies without a word', async () => {
        const session = await accepted(() => undefined);
        await buses.killDeployer();
        expect(await session.ended).toMatchObject({ code: 'peer-silent' });
      });

      it('ends when the peer stops', async () => {
        const session = await accepted(() => undefined);
        await deployer.close();
        expect(await session.ended).toMatchObject({ code: 'closed' });
      });

      it('is refused when nobody serves it', async () => {
        await expect(api.open('deployer', 'exec', {})).rejects.toMatchObject({
          code: 'no-answer',
        });
      });
    });
  });
};
