import { createServer, type IncomingMessage } from 'node:http';
import { createConnection } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServingRouter } from './serving.contract.js';

const HOST = 'Host: raw.localhost';
/** What an attacker wants the app to take for a request of its own. Its claims are the attacker's. */
const SMUGGLED =
  'GET /smuggled HTTP/1.1\r\nHost: raw.localhost\r\nX-Request-Id: mine\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n';
const post = (...lines: readonly string[]): string =>
  `POST / HTTP/1.1\r\n${[HOST, ...lines].join('\r\n')}\r\n\r\n`;
const get = (...lines: readonly string[]): string =>
  `GET / HTTP/1.1\r\n${[HOST, ...lines].join('\r\n')}\r\n\r\n`;
const chunkedEnd = '0\r\n\r\n';

/** Each is one message of a client that is not a browser; many parsers disagree about where it ends. */
const MESSAGES: Readonly<Record<string, string>> = {
  'a length and chunks':
    post('Content-Length: 4', 'Transfer-Encoding: chunked') + chunkedEnd + SMUGGLED,
  'chunks and a length':
    post('Transfer-Encoding: chunked', `Content-Length: ${SMUGGLED.length + 5}`) +
    chunkedEnd +
    SMUGGLED,
  'two lengths': post('Content-Length: 0', `Content-Length: ${SMUGGLED.length}`) + SMUGGLED,
  'two lengths the other way round':
    post(`Content-Length: ${SMUGGLED.length}`, 'Content-Length: 0') + SMUGGLED,
  'two lengths in one': post(`Content-Length: 0, ${SMUGGLED.length}`) + SMUGGLED,
  'a length with a sign': post(`Content-Length: +${SMUGGLED.length}`) + SMUGGLED,
  'a hexadecimal length': post('Content-Length: 0x0') + SMUGGLED,
  'a negative length': post('Content-Length: -1') + SMUGGLED,
  'an encoding nobody knows':
    post('Transfer-Encoding: xchunked', 'Content-Length: 5') + chunkedEnd + SMUGGLED,
  'a space before the colon':
    post('Transfer-Encoding : chunked', 'Content-Length: 5') + chunkedEnd + SMUGGLED,
  'a tab before the encoding':
    post('Transfer-Encoding:\tchunked', 'Content-Length: 5') + chunkedEnd + SMUGGLED,
  'an encoding in a second line':
    post('Transfer-Encoding:', ' chunked', 'Content-Length: 5') + chunkedEnd + SMUGGLED,
  'two encodings':
    post('Transfer-Encoding: chunked', 'Transfer-Encoding: identity', 'Content-Length: 5') +
    chunkedEnd +
    SMUGGLED,
  'an encoding after another':
    post('Transfer-Encoding: identity, chunked', 'Content-Length: 5') + chunkedEnd + SMUGGLED,
  'an encoding with a control character':
    post('Transfer-Encoding: \u000bchunked', 'Content-Length: 5') + chunkedEnd + SMUGGLED,
  'a chunk that is longer than numbers':
    post('Transfer-Encoding: chunked') + `10000000000000000\r\n${SMUGGLED}`,
  'a chunk with a bare line feed':
    post('Transfer-Encoding: chunked') + `1;\n\r\nx\r\n${chunkedEnd}${SMUGGLED}`,
  'bare line feeds': `POST / HTTP/1.1\n${HOST}\nContent-Length: 0\nTransfer-Encoding: chunked\n\n0\n\n${SMUGGLED}`,
  'a folded header': post('X-Own: a', ` Content-Length: ${SMUGGLED.length}`) + SMUGGLED,
  'a header inside a header': get(`X-Own: a\rX-Forwarded-For: 6.6.6.6`),
  'a zero byte': get('X-Own: a\u0000b'),
  'a body of a GET': get(`Content-Length: ${SMUGGLED.length}`) + SMUGGLED,
  'HTTP/1.0 with chunks': `POST / HTTP/1.0\r\n${HOST}\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n${chunkedEnd}${SMUGGLED}`,
  'a change to HTTP/2':
    get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk') +
    SMUGGLED,
  'a length that the connection takes away':
    post('Connection: Content-Length', `Content-Length: ${SMUGGLED.length}`) + SMUGGLED,
  'two hosts': get('Host: other.localhost'),
  'two hosts the other way round': `GET / HTTP/1.1\r\nHost: other.localhost\r\n${HOST}\r\n\r\n`,
  'a host in the request line': `GET http://raw.localhost/ HTTP/1.1\r\nHost: other.localhost\r\n\r\n`,
  'another host in the request line': `GET http://other.localhost/ HTTP/1.1\r\n${HOST}\r\n\r\n`,
  'a host with a user': get().replace('raw.localhost', 'raw.localhost@other.localhost'),
  'a host with a path': get().replace('raw.localhost', 'raw.localhost/other.localhost'),
  claims: get(
    'X-Forwarded-For: 6.6.6.6',
    'x-forwarded-FOR: 6.6.6.6',
    'X-Real-IP: 6.6.6.6',
    'X-Forwarded-Host: bank.example',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Port: 443',
    'X-Forwarded-Server: 6.6.6.6',
    'Forwarded: for=6.6.6.6',
    'X_Forwarded_For: 6.6.6.6',
    'X-Forwarded_For: 6.6.6.6',
    'X_Real_IP: 6.6.6.6',
    'X-Request-Id: mine',
    'X_Request_Id: mine',
  ),
  'claims again and again, next to each other': get(
    ...['Forwarded', 'FORWARDED', 'X-Real-IP', 'x-real-ip', 'X-Forwarded-For'].flatMap((name) =>
      Array.from({ length: 5 }, () => `${name}: for=6.6.6.6`),
    ),
    'X-Forwarded:',
    'X-Forwarded-For:',
    'Forwarded:',
    'X-Forwarded-Host: bank.example',
    'x_forwarded_host: bank.example',
    'X-Forwarded-Proto: https',
    'X-FORWARDED-PROTO: https',
  ),
  'claims that the connection names': get(
    'X-Forwarded-For: 6.6.6.6',
    'Connection: close, X-Forwarded-For, X-Real-IP, X-Forwarded-Host',
  ),
};

/** What a client that is no browser cannot have an app take for the truth, or for a request of somebody else. */
export const describeHostile = (name: string, create: () => Promise<ServingRouter>): void => {
  describe(`${name} and hostile clients`, () => {
    let underTest: ServingRouter;
    let seen: IncomingMessage[] = [];
    // As tolerant as an app can be: whatever it could take for a request, it takes.
    const app = createServer({ insecureHTTPParser: true }, (request, response) => {
      if (request.headers['user-agent'] === 'shiplog-router') return response.end();
      seen.push(request);
      request.resume();
      return response.end('seen');
    });

    beforeAll(async () => {
      underTest = await create();
      app.listen(0, '127.0.0.1');
      await once(app, 'listening');
      const { port } = app.address() as { port: number };
      const endpoint = { instanceId: 'r1', appId: 'raw', host: '127.0.0.1', port, weight: 1 };
      await underTest.router.apply([
        { kind: 'serve', endpoint },
        { kind: 'bind-host', host: 'raw.localhost', appId: 'raw' },
      ]);
    });
    afterAll(async () => {
      await underTest.close();
      app.closeAllConnections();
      app.close();
    });

    /** Sends bytes, and then what ends every exchange: a request that asks for the connection to be closed. */
    const exchange = (message: string): Promise<string> =>
      new Promise((resolve) => {
        const socket = createConnection(underTest.port, '127.0.0.1');
        let answers = '';
        socket.setEncoding('latin1').on('data', (text: string) => (answers += text));
        // A server that waits for the rest of a body that never comes has shown what it takes it for.
        socket.setTimeout(300, () => socket.destroy());
        socket.on('error', () => undefined).on('close', () => resolve(answers));
        socket.write(`${message}${get('Connection: close')}`, 'latin1');
      });

    for (const [what, message] of Object.entries(MESSAGES)) {
      it(`with ${what} reach the app with what the router knows, or not at all`, async () => {
        seen = [];
        const answers = await exchange(message);
        const ids = seen.map(({ headers }) => headers['x-request-id']);
        for (const { headers, rawHeaders } of seen) {
          expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
          expect(headers).toMatchObject({
            host: 'raw.localhost',
            'x-forwarded-for': '127.0.0.1',
            'x-real-ip': '127.0.0.1',
            'x-forwarded-host': 'raw.localhost',
            'x-forwarded-proto': 'http',
          });
          expect(rawHeaders.join('\n')).not.toMatch(/6\.6\.6\.6|bank\.example|^mine$/m);
          const names = rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
          const claims = names.filter((name) =>
            /^(?:forwarded$|x.(?:forwarded|real|request))/.test(name),
          );
          // Each of ours once: what is added to a request is not compared with what is there.
          expect(new Set(claims).size).toBe(claims.length);
          expect(claims.filter((name) => name === 'forwarded' || name.includes('_'))).toEqual([]);
        }
        // Every request that the app saw is one that the router knows, and answered.
        expect(new Set(ids).size).toBe(seen.length);
        const answered = answers.match(/HTTP\/1\.[01] \d{3} /g)?.length ?? 0;
        // What reaches nobody may lose its 400: a connection that is closed on bytes that nobody read is reset.
        expect(answered).toBeGreaterThanOrEqual(seen.length);
      });
    }
  });
};
