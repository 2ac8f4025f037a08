import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

/** A client that says something, reads the whole answer, and never hangs up by itself. */
const sayAndStay = async (said: string, port = api.port) => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let answer = '';
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => (answer += chunk.toString()));
  socket.write(said);
  await once(socket, 'end');
  return { answer, socket };
};

const upgrade = (path: string, protocol = 'websocket', token = 'none'): string =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: x',
    `Authorization: Bearer ${token}`,
    'Connection: Upgrade',
    `Upgrade: ${protocol}`,
    '',
    '',
  ].join('\r\n');

const answerTo = async (said: string): Promise<string> => {
  const { answer, socket } = await sayAndStay(said);
  socket.destroy();
  return answer;
};

describe('a connection that was refused', () => {
  it('is closed, and holds no stop up, also when its client stays', async () => {
    const other = await startTestApi();
    const [garbage, refused] = await Promise.all(
      ['garbage\r\n\r\n', upgrade('/v1/apps/a/run')].map((said) => sayAndStay(said, other.port)),
    );
    expect(garbage?.answer).toMatch(/^HTTP\/1\.1 400 .*bad-request/s);
    expect(refused?.answer).toMatch(/^HTTP\/1\.1 401 .*unauthenticated/s);
    await other.stop();
    garbage?.socket.destroy();
    refused?.socket.destroy();
  });

  it('hears what is wrong with another protocol', async () => {
    const answer = await answerTo(upgrade('/v1/whoami', 'h2c', api.token));
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*without an Upgrade header/s);
  });

  it('is no fault of the platform when its address begins with two slashes', async () => {
    expect(await answerTo(upgrade('//', 'websocket', api.token))).toMatch(/^HTTP\/1\.1 404 /);
    for (const path of ['//', '//x:99999999/']) {
      const answer = await api.call('get', `/git${path}`);
      expect([path, answer.status]).toEqual([path, 404]);
    }
  });
});
