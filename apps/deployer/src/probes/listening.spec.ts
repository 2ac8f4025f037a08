import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { formatSocket, judgeListening, parseListening } from './listening.js';
import { probeTcp } from './tcp.js';

// As the kernel writes it: 0.0.0.0:8080, 127.0.0.1:3000, the engine's resolver, an open connection.
const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0
   1: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0
   2: 0B00007F:9C41 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0
   3: 020012AC:1F90 010012AC:D431 01 00000000:00000000 00:00000000 00000000     0
`;
const TCP6 = `  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0 0
   1: 00000000000000000000000001000000:0051 00000000000000000000000000000000:0000 0A 0 0
   2: 0000000000000000FFFF00000100007F:0052 00000000000000000000000000000000:0000 0A 0 0
`;

describe('listening sockets of a container', () => {
  it('are read as the kernel shows them', () => {
    expect(parseListening(TCP).map(formatSocket)).toEqual(['0.0.0.0:8080', '127.0.0.1:3000']);
    expect(parseListening(TCP6).map(formatSocket)).toEqual(['[::]:80', '[::1]:81', '127.0.0.1:82']);
  });
  it('are reachable, on loopback, elsewhere, or none', () => {
    const sockets = parseListening(TCP);
    expect(judgeListening(sockets, 8080)).toBe('reachable');
    expect(judgeListening(sockets, 3000)).toBe('loopback-only');
    expect(judgeListening(sockets, 80)).toBe('other-port');
    expect(judgeListening([], 80)).toBe('nothing');
    expect(judgeListening(parseListening(TCP6), 80)).toBe('reachable');
  });
});

describe('asking over TCP', () => {
  const listen = (onConnection: 'keep' | 'close') =>
    new Promise<{ port: number; close: () => void }>((resolve) => {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        if (onConnection === 'close') socket.destroy();
      });
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
        resolve({ port, close: () => server.close() });
      });
    });

  it('is ready when a connection stays open', async () => {
    const { port, close } = await listen('keep');
    expect(await probeTcp('127.0.0.1', port)).toMatchObject({ isReady: true });
    close();
  });
  it('is not fooled by a proxy that accepts and hangs up', async () => {
    const { port, close } = await listen('close');
    expect(await probeTcp('127.0.0.1', port)).toMatchObject({ isReady: false });
    close();
    expect(await probeTcp('127.0.0.1', port)).toEqual({
      isReady: false,
      got: 'connection refused',
    });
  });
});
