import { Socket, createServer, type AddressInfo } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { findReach } from './reach.js';

describe('the way to an instance', () => {
  it('is its own address when that is in a network of this machine and answers', async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    expect(await findReach('127.0.0.1', port)).toBe('direct');
    await new Promise((resolve) => server.close(resolve));
    expect(await findReach('127.0.0.1', port)).toBe('published');
  });
  it('is its host port when this machine is not in its network', async () => {
    // TEST-NET-3: nobody is there, and nobody is asked.
    const connect = vi.spyOn(Socket.prototype, 'connect');
    expect(await findReach('203.0.113.7', 80)).toBe('published');
    expect(connect).not.toHaveBeenCalled();
    connect.mockRestore();
  });
});
