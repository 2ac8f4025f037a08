import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findCompanions } from './companions.js';

const procOf = async (commands: Readonly<Record<string, readonly string[]>>): Promise<string> => {
  const proc = await mkdtemp(join(tmpdir(), 'shiplog-proc-'));
  for (const [pid, args] of Object.entries(commands)) {
    await mkdir(join(proc, pid));
    await writeFile(join(proc, pid, 'cmdline'), `${args.join('\0')}\0`);
  }
  return proc;
};

describe('the processes that outlive a control plane', () => {
  it('are those started with the files of this home, and no others', async () => {
    const proc = await procOf({
      '10': ['/usr/sbin/haproxy', '-W', '-f', '/home/a/router/haproxy.cfg', '-S', 'x'],
      '11': ['/opt/nats-server', '-c', '/home/a/nats/nats-server.conf'],
      '12': ['/usr/sbin/haproxy', '-f', '/home/b/router/haproxy.cfg'],
      '13': ['/usr/sbin/haproxy', '-f', '/etc/haproxy/haproxy.cfg'],
      '14': ['vim', '/home/a/router/haproxy.cfg'],
      '15': ['nats-server', '-c', '/home/a/nats/nats-server.conf.old'],
      '16': ['nginx: master process /usr/sbin/nginx -c /home/a/router/nginx.conf -e /x', '', ''],
      '17': ['nginx: master process /usr/sbin/nginx -c /home/b/router/nginx.conf -e /x'],
      '18': ['nginx: worker process', '', ''],
      self: ['haproxy', '/home/a/router/haproxy.cfg'],
    });
    expect(await findCompanions('/home/a', proc)).toEqual([
      { pid: 10, program: 'haproxy' },
      { pid: 11, program: 'nats-server' },
      { pid: 16, program: 'nginx' },
    ]);
  });

  it('are none where nothing can be seen', async () => {
    expect(await findCompanions('/home/a', '/nonexistent')).toEqual([]);
  });
});
