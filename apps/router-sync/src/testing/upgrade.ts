import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Duplex } from 'node:stream';

/** A WebSocket's raw bytes after the handshake: what is written comes back. */
export const openTunnel = (
  port: number,
  host: string,
  more: Readonly<Record<string, string>> = {},
): Promise<{ readonly instance: string; readonly socket: Duplex }> =>
  new Promise((resolve, reject) => {
    const sent = request({
      host: '127.0.0.1',
      port,
      path: '/socket',
      headers: {
        ...more,
        host,
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
      },
    });
    sent.on('error', reject);
    sent.on('response', (response) => reject(new Error(`answered ${response.statusCode}`)));
    sent.on('upgrade', (response, socket) => {
      socket.on('error', () => undefined);
      resolve({ instance: String(response.headers['x-instance']), socket });
    });
    sent.end();
  });

export const echo = (socket: Duplex, text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    socket.once('data', (data: Buffer) => resolve(data.toString()));
    socket.once('close', () => reject(new Error('closed')));
    socket.write(text);
  });

export const closed = (socket: Duplex): Promise<void> =>
  new Promise((resolve) => {
    socket.resume();
    socket.once('close', resolve);
  });
