import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { promises as dns } from 'node:dns';

/** A real DNS server on a loopback port that knows these TXT records and asks nobody else. */
export interface DnsServer {
  /** As `SHIPLOG_DNS_SERVER` has it. */
  readonly address: string;
  /** Other records from now on. */
  serve(zone: Readonly<Record<string, readonly string[]>>): Promise<void>;
  stop(): Promise<void>;
}

export const startDnsServer = async (
  zone: Readonly<Record<string, readonly string[]>> = {},
): Promise<DnsServer> => {
  const port = await freeUdpPort();
  const address = `127.0.0.1:${port}`;
  let child = await start(port, zone);
  return {
    address,
    serve: async (next) => {
      await end(child);
      child = await start(port, next);
    },
    stop: () => end(child),
  };
};

const start = async (
  port: number,
  zone: Readonly<Record<string, readonly string[]>>,
): Promise<ChildProcess> => {
  const flags = ['--keep-in-foreground', '--no-hosts', '--no-resolv', '--conf-file=/dev/null'];
  const place = [`--port=${port}`, '--listen-address=127.0.0.1', '--bind-interfaces'];
  const records = Object.entries(zone).flatMap(([name, texts]) =>
    texts.map((text) => `--txt-record=${name},${pieces(text)}`),
  );
  const own = ['--pid-file=', '--local=/com/', '--local=/example/', '--user='];
  const child = spawn('dnsmasq', [...flags, ...place, ...own, ...records], { stdio: 'ignore' });
  const resolver = new dns.Resolver({ timeout: 100, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  while (child.exitCode === null) {
    const code = await resolver.resolveTxt('there.example').then(
      () => 'FOUND',
      (error: unknown) => (error as NodeJS.ErrnoException).code,
    );
    if (code !== 'ECONNREFUSED' && code !== 'ETIMEOUT') return child;
  }
  throw new Error(`dnsmasq ended with ${child.exitCode}`);
};

/** A record is made of pieces of at most 255 bytes. On the command line, quotes would be part of it. */
const pieces = (text: string): string => (text.match(/.{1,250}/gs) ?? []).join(',');

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
};

const freeUdpPort = async (): Promise<number> => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
};
