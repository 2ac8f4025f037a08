import { describe, expect, it } from 'vitest';
import { toEngineError } from './docker-translate.js';

const codeOf = (statusCode: number, message: string): string =>
  toEngineError('starting', Object.assign(new Error(message), { statusCode, json: { message } }))
    .code;

describe('what the engine says in its own words', () => {
  it.each([
    [
      'no-such-executable',
      'OCI runtime create failed: container_linux.go:367: starting container process caused: exec: "/srv": stat /srv: no such file or directory: unknown',
    ],
    ['no-such-executable', 'exec: "server": executable file not found in $PATH: unknown'],
    ['no-such-executable', 'crun: executable file `/srv` not found in $PATH: No such file'],
    ['no-such-executable', 'No command specified'],
    ['not-executable', 'runc create failed: exec: "/www": permission denied: unknown'],
    ['not-executable', 'exec: "/www": is a directory: unknown'],
    ['not-executable', 'standard_init_linux.go:228: exec user process caused: exec format error'],
    ['port-taken', 'Bind for 127.0.0.1:21500 failed: port is already allocated'],
    ['address-taken', 'Address already in use'],
    ['network-missing', 'network 40975f1bd63b not found'],
  ])('is %s: %s', (code, message) => {
    expect(codeOf(code === 'no-such-executable' ? 400 : 500, message)).toBe(code);
  });

  it.each([
    // A daemon that was ending, 20.10.
    'failed to update store for object type *libnetwork.endpoint: open : no such file or directory',
    'connection error: desc = "transport: error while dialing dial unix containerd.sock: connect: no such file or directory"',
    'failed to create shim: mkdir /run/docker: permission denied',
    'error while creating mount source path: mkdir /data: is a directory',
  ])('is no verdict on the command of an app: %s', (message) => {
    expect(codeOf(500, message)).toBe('engine-refused');
  });

  it('is nothing when nobody answered', () => {
    const error = Object.assign(new Error('connect ENOENT'), { code: 'ENOENT' });
    expect(toEngineError('starting', error).code).toBe('engine-unreachable');
  });
});
