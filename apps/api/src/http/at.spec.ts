import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';
import { ROUTES } from './routes.js';

/** What is not made of the log, or is the log itself: why there is no `at`. */
const ONLY_NOW: Readonly<Record<string, string>> = {
  buildOutput: 'printed, not recorded',
  readLogs: 'written by apps, not recorded',
  followProgress: 'is live',
  listEvents: 'is the log itself: before and after',
  streamEvents: 'is live',
  listAudit: 'has since and until',
  proposeUndo: 'what could be done now',
  planDeploy: 'what would be done now',
  doctor: 'measured now',
  showRebuild: 'work of this process',
  whoami: 'who asks now',
  showGarbagePolicy: 'what holds now',
  previewGarbage: 'what lies on the machines now',
  listKeys: 'keys lie beside the log',
  listCertificates: 'whether routers serve them is so now',
  showCertificate: 'whether routers serve it is so now',
  showHttpsPolicy: 'what holds now',
  verifyLog: 'is about the whole log',
  exportLog: 'is the log itself',
  showSigning: 'checkpoints lie beside the log',
  listKeptVolumes: 'what is kept now',
  listBackups: 'what lies at a place outside now',
  backupProgress: 'is live',
  showBackupPolicy: 'what holds now',
  showTraffic: 'what clients felt in the last minute',
};

/** What a request needs besides its path. */
const NEEDED: Readonly<Record<string, string>> = { showCauses: 'of=v1&app=shop' };
const addressOf = (id: string, path: string): string =>
  `${path.replace('{app}', 'shop').replaceAll(/\{\w+\}/g, '1')}?${NEEDED[id] ?? ''}`;

const looks = ROUTES.filter(({ method }) => method === 'GET');
const withPast = looks.filter(({ id }) => !(id in ONLY_NOW));

let api: TestApi;
let beforeApp: string;
beforeAll(async () => {
  api = await startTestApi();
  beforeApp = await api.platform.api.log.head();
  await api.deployed('shop');
});
afterAll(() => api.stop());

describe('at', () => {
  it('is missing only where it is said why', () => {
    const ids = looks.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(Object.keys(ONLY_NOW)));
  });

  it.each(withPast.map((route) => [route.id, route.path] as const))(
    '%s answers as of a moment, and refuses one that is none',
    async (id, path) => {
      const address = addressOf(id, path);
      const refused = await api.call('get', `${address}&at=yesterday-ish`);
      expect(refused.status).toBe(422);
      expect(refused.body.code).toBe('moment-unknown');
      // Before there was the app, there is none to be shown, whatever there is now.
      const then = await api.call('get', `${address}&at=${beforeApp}`);
      if (/\{app\}|app=/.test(path + address)) expect(then.body.code).toBe('app-not-found');
      else expect(then.status).toBe(200);
    },
  );

  it.each(looks.filter(({ id }) => id in ONLY_NOW).map(({ id, path }) => [id, path] as const))(
    '%s refuses it instead of showing today',
    async (id, path) => {
      const answer = await api.call('get', `${addressOf(id, path)}&at=1`);
      expect(answer.status).toBe(400);
      expect(answer.body.errors).toContainEqual(expect.objectContaining({ path: 'query.at' }));
    },
  );
});
