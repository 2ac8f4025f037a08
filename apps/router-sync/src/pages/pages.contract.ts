import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressPrefixes } from '../routes/notice.js';
import type { Router } from '../routes/router.port.js';
import type { ServingRouter } from '../routes/serving.contract.js';
import { ask } from '../testing/client.js';
import { startInstance, type TestInstance } from '../testing/test-instance.js';
import { MEDIA_TYPES, PAGES, renderPage, type Form, type Page, type PageName } from './pages.js';

export interface RestartingRouter extends ServingRouter {
  /** Kills the proxy and starts it again. */
  restart(): Promise<void>;
}

const ACCEPT: Readonly<Record<Form, string>> = {
  html: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  json: 'application/json',
  text: '*/*',
};
const HOST = 'p.localhost';
const OWN = '<!doctype html><h1>"Zurück" um 9\u2009Uhr; \\ %[src] 100 %</h1>';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** What clients get where no app answers: by their `Accept`, with what says that it is no answer of the app. */
export const describePages = (name: string, create: () => Promise<RestartingRouter>): void => {
  describe(`${name} and its pages`, () => {
    let underTest: RestartingRouter;
    let router: Router;
    let instance: TestInstance;
    beforeAll(async () => {
      underTest = await create();
      router = underTest.router;
      instance = await startInstance('p1', 0);
      await router.apply([{ kind: 'bind-host', host: HOST, appId: 'p' }]);
    });
    afterAll(async () => {
      await underTest.close();
      await instance.kill();
    });

    const get = (accept: string, host = HOST, path = '/') =>
      ask(underTest.port, { host, path, headers: { accept } });
    const expectPage = async (page: PageName, host = HOST, path = '/'): Promise<void> => {
      for (const form of ['html', 'json', 'text'] as const) {
        const { status, headers, body } = await get(ACCEPT[form], host, path);
        const { retryAfterSeconds }: Page = PAGES[page];
        expect([status, body]).toEqual([PAGES[page].status, `${renderPage(page, form)}\n`]);
        expect(headers).toMatchObject({
          'content-type': MEDIA_TYPES[form],
          'cache-control': 'no-store',
          'x-shiplog-router': page,
        });
        expect(headers['retry-after']).toBe(retryAfterSeconds?.toString());
      }
    };
    const serve = () =>
      router.apply([
        {
          kind: 'serve',
          endpoint: {
            instanceId: 'p1',
            appId: 'p',
            host: '127.0.0.1',
            port: instance.port,
            weight: 1,
          },
        },
      ]);
    const maintain = (page: string | null, ...ranges: string[]) =>
      router.apply([
        {
          kind: 'notify',
          appId: 'p',
          notice: { kind: 'maintenance', page, allow: addressPrefixes(ranges) },
        },
      ]);
    const noticeOf = async () => (await router.observe()).notices.get('p');

    it('has one for an unknown host, and for an app without instance', async () => {
      await expectPage('unknown-host', 'nobody.localhost');
      await expectPage('no-instance');
    });

    it.each([
      [{}, 'text'],
      [{ accept: '' }, 'text'],
      [{ accept: 'text/htm' }, 'text'],
      [{ accept: 'application/problem+json, text/html;q=0.1' }, 'html'],
      [{ accept: `${'x/y, '.repeat(500)}application/json` }, 'json'],
    ] as const)('has a form for a client with the headers %j', async (headers, form) => {
      const { status, headers: told, body } = await ask(underTest.port, { host: HOST, headers });
      expect([status, told['content-type']]).toEqual([503, MEDIA_TYPES[form]]);
      expect(body).toBe(`${renderPage('no-instance', form)}\n`);
    });

    it('has one for an app that starts, until it does not', async () => {
      await router.apply([{ kind: 'notify', appId: 'p', notice: { kind: 'starting' } }]);
      expect(await noticeOf()).toEqual({ kind: 'starting' });
      await expectPage('starting');
      await router.apply([{ kind: 'notify', appId: 'p', notice: null }]);
      expect(await noticeOf()).toBeUndefined();
      await expectPage('no-instance');
    });

    it('sends no body where none is asked for', async () => {
      const { status, body } = await ask(underTest.port, { host: HOST, method: 'HEAD' });
      expect([status, body]).toEqual([503, '']);
    });

    it('leaves what an app answers as it is, but for the header that says who answered', async () => {
      await serve();
      const { status, headers } = await get(ACCEPT.html, HOST, '/spoof');
      expect(status).toBe(503);
      expect(headers['content-type']).toBe('text/x-own');
      expect(headers['x-shiplog-router']).toBeUndefined();
    });

    it('shows the page of an app in maintenance instead of the app', async () => {
      await maintain(null);
      await expectPage('maintenance');
      await maintain(base64(OWN));
      const page = await get(ACCEPT.html);
      expect([page.status, page.body]).toEqual([503, `${OWN}\n`]);
      expect(page.headers).toMatchObject({ 'retry-after': '60', 'content-type': MEDIA_TYPES.html });
      expect((await get(ACCEPT.text)).body).toBe(`${renderPage('maintenance', 'text')}\n`);
    });

    it('takes a page of the largest size, with any text', async () => {
      const largest = `<p>${'ü%"\\'.repeat(1637)}`;
      expect(Buffer.byteLength(largest)).toBeLessThanOrEqual(8192);
      await maintain(base64(largest));
      expect((await get(ACCEPT.html)).body).toBe(`${largest}\n`);
    });

    it('lets those through who may pass, and nobody else', async () => {
      await maintain(base64(OWN), '127.0.0.0/30', '10.0.0.0/8');
      expect((await get(ACCEPT.html)).body).toBe('p1');
      const back = await noticeOf();
      await maintain(base64(OWN), '127.0.0.0/30', '10.0.0.0/8');
      expect(await noticeOf()).toEqual(back);
      await maintain(base64(OWN), '127.0.0.2', '10.0.0.0/8', '::1');
      expect((await get(ACCEPT.html)).body).toBe(`${OWN}\n`);
    });

    it('is in maintenance after it was killed and started again', async () => {
      const before = await noticeOf();
      await underTest.restart();
      expect((await get(ACCEPT.html)).body).toBe(`${OWN}\n`);
      expect(await noticeOf()).toEqual(before);
    });

    it('ends it, and tells nothing to whoever has the place next', async () => {
      await router.apply([{ kind: 'notify', appId: 'p', notice: null }]);
      expect((await get(ACCEPT.html)).body).toBe('p1');
      await maintain(base64(OWN), '10.0.0.0/8');
      await router.apply([
        { kind: 'unbind-host', host: HOST },
        { kind: 'drain', instanceId: 'p1' },
        { kind: 'release', instanceId: 'p1' },
        { kind: 'release-pool', appId: 'p' },
      ]);
      expect((await router.observe()).notices.size).toBe(0);
      await router.apply([{ kind: 'bind-host', host: 'q.localhost', appId: 'q' }]);
      await expectPage('no-instance', 'q.localhost');
    });
  });
};
