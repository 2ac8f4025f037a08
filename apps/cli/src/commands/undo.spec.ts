import { afterEach, describe, expect, it } from 'vitest';
import type { UndoProposal } from '@shiplog/api-client';
import {
  sendLines,
  sendProblem,
  startFakeApi,
  type FakeApi,
  type Routes,
} from '../testing/fake-api.js';
import { runCli, type RunOptions } from '../testing/run-cli.js';

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.close();
  api = undefined;
});
const cli = async (argv: readonly string[], routes: Routes, options: RunOptions = {}) => {
  await api?.close();
  api = await startFakeApi(routes);
  return runCli(['undo', ...argv], { url: api.url, isImpatient: true, ...options });
};
const sent = () => (api?.received ?? []).filter(({ method }) => method === 'POST');

const SEQUENCE = '00000000000000000042-0000';
const LATER = '00000000000000000050-0000';
const UNDONE = '00000000000000000060-0000';
const proposal: UndoProposal = {
  sequence: SEQUENCE,
  events: ['ConfigChanged', 'ReleaseCreated'],
  app: 'shop',
  time: '2026-11-21T11:58:00.000Z',
  by: 'ann',
  reason: 'new\ncolours',
  outcome: 'possible',
  commands: ['shiplog config set COLOUR=… -a shop'],
  restores: ['COLOUR has the value again that it had before.'],
  causes: ['Release v4 is made and rolled out, without a gap.'],
  leaves: [{ what: 'LEVEL', sequence: LATER, time: '2026-11-21T11:59:00.000Z', by: 'ben' }],
  overwrites: [],
  why: null,
  instead: null,
  plan: 'p-1',
};
const answer = { sequence: UNDONE, app: 'shop', undone: true, settles: true };
const path = `/v1/undo/${SEQUENCE}`;
const routes: Routes = {
  [`GET ${path}`]: proposal,
  [`POST ${path}`]: answer,
  'GET /v1/apps/shop/progress': (response) =>
    sendLines(response, [{ kind: 'done', text: 'shop v4 is live', at: '2026-11-21T12:00:00Z' }]),
};
const SHOWN = `${SEQUENCE}: ConfigChanged, ReleaseCreated of shop, 2 min ago by ann (new colours)

It is taken back by
  shiplog config set COLOUR=… -a shop

Then
  COLOUR has the value again that it had before.
  Release v4 is made and rolled out, without a gap.

Changed again since, and left as it is (--force takes it back, too)
  LEVEL: by ben 60 s ago, ${LATER}
`;

describe('undo', () => {
  it('shows what would be done, and does it once somebody at the terminal said yes', async () => {
    const run = await cli([SEQUENCE, '-m', 'ugly'], routes, { isTerminal: true, stdin: 'y\n' });
    expect(run).toMatchObject({ code: 0 });
    expect(run.stdout).toContain('It is taken back by');
    expect(run.stdout).toContain('shop v4 is live');
    expect(run.stderr).toContain('Take it back? [y/N]');
    expect(run.stderr).toContain(`Taken back at ${UNDONE}.`);
    expect(sent()).toHaveLength(1);
    expect(JSON.parse(sent()[0]?.body.toString() ?? '')).toEqual({ force: false, plan: 'p-1' });
    expect(sent()[0]?.headers['shiplog-reason']).toBe('ugly');
  });

  it.each(['n\n', '\n', ''])('does nothing when the answer is %j', async (stdin) => {
    const run = await cli([SEQUENCE], routes, { isTerminal: true, stdin });
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('nothing was done');
    expect(sent()).toEqual([]);
  });

  it('wants --yes where nobody can be asked', async () => {
    const run = await cli([SEQUENCE, '--force'], routes);
    expect(run).toMatchObject({ code: 2, stdout: SHOWN });
    expect(run.stderr).toContain(`shiplog undo ${SEQUENCE} --force --yes`);
    expect(sent()).toEqual([]);
    const sure = await cli([SEQUENCE, '--yes'], routes);
    expect(sure.code).toBe(0);
    expect(sent()).toHaveLength(1);
  });

  it('only shows with --plan, and in JSON without --yes', async () => {
    expect(await cli([SEQUENCE, '--plan'], routes)).toEqual({
      code: 0,
      stdout: SHOWN,
      stderr: '',
    });
    const json = await cli([SEQUENCE, '--json'], routes);
    expect(json).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(json.stdout)).toEqual(proposal);
    expect(sent()).toEqual([]);
    expect((await cli([SEQUENCE, '--plan', '--yes'], routes)).code).toBe(2);
  });

  it('tells programs what was done, in one document', async () => {
    const run = await cli([SEQUENCE, '--yes', '--json'], routes);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(run.stdout)).toEqual({ ...answer, settled: true, text: 'shop v4 is live' });
    const soon = await cli([SEQUENCE, '--yes', '--json', '--no-wait'], routes);
    expect(JSON.parse(soon.stdout)).toEqual({ ...answer, settled: false });
    const still = { ...routes, [`POST ${path}`]: { ...answer, settles: false } };
    expect((await cli([SEQUENCE, '--yes'], still)).stdout).toContain(`Took ${SEQUENCE} back.`);
  });

  it('takes back what was changed since only when that is said', async () => {
    const { leaves, ...rest } = proposal;
    const forced = { ...rest, leaves: [], overwrites: leaves };
    const run = await cli([SEQUENCE, '--force', '--yes'], { ...routes, [`GET ${path}`]: forced });
    expect(run.stdout).toContain('taken back all the same\n  LEVEL: by ben');
    expect(api?.received[0]?.url).toBe(`${path}?force=true`);
    expect(JSON.parse(sent()[0]?.body.toString() ?? '')).toMatchObject({ force: true });
  });

  it('ends with 5 where all of it was changed again since, and 4 where it cannot be', async () => {
    const none = { commands: [], restores: [], causes: [], plan: null };
    const overtaken = {
      ...proposal,
      ...none,
      outcome: 'overtaken',
      why: 'All of it was.',
    } as const;
    const late = await cli([SEQUENCE, '--yes'], { ...routes, [`GET ${path}`]: overtaken });
    expect(late.code).toBe(5);
    expect(late.stdout).toContain('LEVEL: by ben');
    expect(late.stderr).toContain('--force');
    const destroyed = {
      ...{ ...proposal, ...none, leaves: [] },
      ...{ outcome: 'impossible', why: 'The key was shredded.', instead: 'Create another app.' },
    };
    const never = await cli([SEQUENCE, '--yes', '--json'], {
      ...routes,
      [`GET ${path}`]: destroyed,
    });
    expect(never.code).toBe(4);
    expect(JSON.parse(never.stdout)).toEqual(destroyed);
    expect(JSON.parse(never.stderr)).toMatchObject({
      code: 'undo-impossible',
      remedy: 'Create another app.',
      exitCode: 4,
    });
    expect(sent()).toEqual([]);
  });

  it('has nothing to do, and says so, where it is as it was', async () => {
    const unneeded = {
      ...{ ...proposal, commands: [], restores: [], causes: [], leaves: [], plan: null },
      ...{ outcome: 'unneeded', why: 'The app was started again since.' },
    };
    const run = await cli([SEQUENCE, '--yes'], { ...routes, [`GET ${path}`]: unneeded });
    expect(run).toMatchObject({ code: 0 });
    expect(run.stdout).toContain('Nothing to take back: The app was started again since.');
    expect(sent()).toEqual([]);
  });

  it('ends with 5 where something changed meanwhile, 3 where there is no such change, 2 for no sequence', async () => {
    const meanwhile = await cli([SEQUENCE, '--yes'], {
      ...routes,
      [`POST ${path}`]: (response) => sendProblem(response, 412, 'revision-conflict', 'look again'),
    });
    expect(meanwhile.code).toBe(5);
    const unknown = await cli(['43', '--yes'], {
      'GET /v1/undo/43': (response) => sendProblem(response, 404, 'change-not-found', 'none'),
    });
    expect(unknown.code).toBe(3);
    expect(await cli(['yesterday'], routes)).toMatchObject({ code: 2, stdout: '' });
    expect(api?.received).toEqual([]);
  });
});
