import { describe, expect, it } from 'vitest';
import { explanation as schema } from '@shiplog/events';
import {
  explainCrash,
  explainImageLost,
  explainNoPlace,
  explainNotCreated,
  explainNotReady,
  explainNotRouted,
  type Evidence,
} from './explain.js';

const evidence = (more: Partial<Evidence> = {}): Evidence => ({
  instanceId: 'web-1',
  process: 'web',
  containerPort: 8080,
  healthPath: null,
  memoryBytes: 512 * 1024 * 1024,
  exit: null,
  starts: 3,
  logLines: [],
  listening: [],
  probe: null,
  trouble: null,
  ...more,
});
const socket = (address: string, port: number) => ({ address, port });

describe('explanations', () => {
  it('of a crash name code, tries and the last lines', () => {
    const exit = { exitCode: 1, oomKilled: false };
    const lines = Array.from({ length: 60 }, (_, i) => `line ${i}`);
    const said = explainCrash(evidence({ exit, logLines: lines }));
    expect(said).toMatchObject({
      code: 'exited',
      summary: 'web exited with code 1',
      exitCode: 1,
      tried: 'started 3 times; it ended each time',
    });
    expect(said.logLines.at(-1)).toBe('line 59');
  });
  it('of running out of memory name the limit', () => {
    const said = explainCrash(evidence({ exit: { exitCode: 137, oomKilled: true } }));
    expect(said.code).toBe('out-of-memory');
    expect(said.summary).toContain('512 MB');
  });
  it('of a kill that nobody saw say what it may have been', () => {
    const said = explainCrash(evidence({ exit: { exitCode: 137, oomKilled: false } }));
    expect(said).toMatchObject({ code: 'exited', summary: 'web exited with code 137 (killed)' });
    expect(said.remedy).toContain('shiplog settings set memory=1024M');
  });
  it('of a missing command come from the first process in the instance', () => {
    const logLines = ['[FATAL tini (7)] exec /srv failed: No such file or directory'];
    const said = explainCrash(evidence({ exit: { exitCode: 127, oomKilled: false }, logLines }));
    expect(said.code).toBe('no-such-executable');
  });
  it('of a volume that is gone name the way to begin with an empty one', () => {
    const trouble = { code: 'volume-missing', said: 'the volume p-data is not there' } as const;
    expect(explainNotCreated(evidence({ trouble }))).toMatchObject({
      code: 'volume-missing',
      summary: 'web is not started: the volume p-data is not there',
      remedy: expect.stringContaining('shiplog volumes recreate'),
    });
  });
  it.each([
    ['EACCES: permission denied', /permission/],
    ['EROFS: read-only file system', /read-only/],
    ['EADDRINUSE: address already in use', /same port/],
  ])('of a crash read the usual reasons from the log: %s', (line, remedy) => {
    const exit = { exitCode: 1, oomKilled: false };
    expect(explainCrash(evidence({ exit, logLines: [line] })).remedy).toMatch(remedy);
  });
  it('of a wrong address or port say what does listen and what to do', () => {
    const summary = (...listening: ReturnType<typeof socket>[]) =>
      explainNotReady(evidence({ listening }), 60).summary;
    expect(summary(socket('127.0.0.1', 8080))).toBe('listens on 127.0.0.1:8080; bind 0.0.0.0');
    expect(summary(socket('127.0.0.1', 3000))).toBe(
      'listens on 127.0.0.1:3000; bind 0.0.0.0 or set --port',
    );
    expect(summary(socket('0.0.0.0', 3000))).toBe(
      'listens on 0.0.0.0:3000; set --port 3000 or use $PORT',
    );
    expect(summary(socket('127.0.0.1', 9229), socket('0.0.0.0', 3000))).toBe(
      'listens on 127.0.0.1:9229, 0.0.0.0:3000; set --port 3000 or use $PORT',
    );
    expect(summary()).toContain('no port');
  });
  it('of a health check tell what came back and for how long it was asked', () => {
    const probe = 'HTTP 500 to GET /up';
    const listening = [socket('0.0.0.0', 8080)];
    const said = explainNotReady(evidence({ listening, healthPath: '/up', probe }), 60);
    expect(said).toMatchObject({ code: 'unhealthy', tried: 'asked for 60 s', probe });
    expect(said.summary).toContain('HTTP 500');
  });
  it('always fit into an event', () => {
    const long = evidence({
      exit: { exitCode: 1, oomKilled: false },
      logLines: Array.from({ length: 500 }, () => 'x'.repeat(20_000)),
      listening: Array.from({ length: 100 }, (_, i) => socket('0.0.0.0', i + 1)),
      trouble: { code: 'engine-refused', said: 'y'.repeat(10_000) },
      probe: 'z'.repeat(10_000),
    });
    for (const said of [
      explainCrash(long),
      explainNotReady(long, 60),
      explainNotCreated(long),
      explainImageLost('w'.repeat(5000)),
      explainNotRouted(300),
      explainNoPlace({ code: 'port-taken', said: 'v'.repeat(5000) }, 300),
    ]) {
      expect(() => schema.parse(said)).not.toThrow();
    }
  });
});
