import { afterEach, describe, expect, it } from 'vitest';
import { sendJson, sendProblem, startFakeApi, type FakeApi } from '../testing/fake-api.js';
import { shop } from '../testing/fixtures.js';
import { runCli } from '../testing/run-cli.js';

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.close();
  api = undefined;
});

/** An app that somebody else changes in the moment of the first tries. */
const setHeader = async (disturbances: number) => {
  let revision = 1;
  let headers: Record<string, string> = {};
  const path = '/v1/apps/shop/traffic-policy';
  const changed: unknown[] = [];
  api = await startFakeApi({
    'GET /v1/apps/shop': (response) =>
      sendJson(response, 200, { ...shop, revision: String(revision) }),
    [`GET ${path}`]: (response) =>
      sendJson(response, 200, { requestHeaders: { set: headers, remove: [] } }),
    [`PATCH ${path}`]: (response, request) => {
      if (revision <= disturbances) {
        headers = { ...headers, [`x-theirs-${revision}`]: '1' };
        revision += 1;
      }
      if (request.headers['if-match'] !== String(revision))
        return sendProblem(response, 412, 'revision-conflict', 'It changed.');
      changed.push(JSON.parse(request.body.toString()));
      return sendJson(response, 200, { sequence: '1' });
    },
  });
  const argv = ['traffic-policy', 'set', '-a', 'shop', 'request.x-own=2'];
  return { ...(await runCli(argv, { url: api.url })), changed };
};

describe('shiplog traffic-policy set', () => {
  it('adds a header to those that are there, also those that come while it does', async () => {
    const { code, changed } = await setHeader(2);
    expect(code).toBe(0);
    const headers = { 'x-theirs-1': '1', 'x-theirs-2': '1', 'x-own': '2' };
    expect(changed).toEqual([{ set: { requestHeaders: { set: headers, remove: [] } }, unset: [] }]);
  });

  it('gives up where somebody changes the app all the time', async () => {
    const { code, changed } = await setHeader(100);
    expect([code, changed]).toEqual([5, []]);
  });
});
