import { once } from 'node:events';
import { connect } from 'node:net';
import { credentials, makeGenericClientConstructor, Metadata, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, TestPlatform } from '../support/platform.js';
import { deployed, type Repository } from '../support/repository.js';
import { waitFor } from '../support/wait.js';

const bytes = (value: Buffer): Buffer => value;
const Client = makeGenericClientConstructor({}, 'Test');

describe('an app that speaks gRPC, and TCP at a port', () => {
  let platform: TestPlatform;
  let repository: Repository;
  let client: InstanceType<typeof Client>;
  let port: number;

  beforeAll(async () => {
    port = await freePort();
    const env = { SHIPLOG_TCP_PORTS: `${port}-${port}` };
    platform = await TestPlatform.start({ name: 'talk', env });
    repository = await deployed(platform, 'talk', 'grpc');
    const echo = ['--process', 'echo', '--container-port', '7000'];
    await platform.json(['ports', 'add', `${port}`, '-a', 'talk', ...echo, '--no-wait']);
    await platform.json(['scale', '-a', 'talk', 'echo=2', '--no-wait']);
    await platform.json(['settings', 'set', '-a', 'talk', 'protocol=h2c', 'health-path=/up']);
    client = new Client(new URL(platform.routerUrl).host, credentials.createInsecure(), {
      'grpc.default_authority': 'talk.localhost',
    });
  });
  afterAll(async () => {
    client.close();
    await repository.remove();
    await platform.destroy();
  });

  const call = (method: string) => {
    const answers: string[] = [];
    const running = client.makeServerStreamRequest(
      `/test.Test/${method}`,
      bytes,
      bytes,
      Buffer.from('hello'),
      new Metadata(),
      { deadline: Date.now() + 60_000 },
    );
    running.on('data', (answer: Buffer) => answers.push(answer.toString()));
    // The status says the same.
    running.on('error', () => undefined);
    const ended = new Promise<status>((resolve) => {
      running.on('status', ({ code }) => resolve(code));
    });
    return { answers, ended, cancel: () => running.cancel() };
  };

  /** What a new connection is told first; '' where it fails. */
  const colourAt = async (at: number): Promise<string> => {
    const socket = connect(at, '127.0.0.1');
    const said = await once(socket, 'data').then(
      ([data]) => String(data),
      () => '',
    );
    socket.destroy();
    return said;
  };

  it('answers calls, and streams on while a deploy goes by without a failed call', async () => {
    const first = call('Unary');
    expect([await first.ended, first.answers]).toEqual([status.OK, ['blue']]);
    const stream = call('Stream');
    await waitFor('its first word', () => stream.answers.length > 0);

    const codes: status[] = [];
    let isDeploying = true;
    const colours: string[] = [];
    const connecting = (async () => {
      while (isDeploying) colours.push(await colourAt(port));
    })();
    const open = connect(port, '127.0.0.1');
    const [greeting] = (await once(open, 'data')) as [Buffer];
    expect(greeting.toString()).toBe('blue\n');
    const calling = (async () => {
      while (isDeploying) codes.push(await call('Unary').ended);
    })();
    await platform.json(['config', 'set', '-a', 'talk', 'COLOUR=green']);
    isDeploying = false;
    await calling;
    await connecting;
    expect(new Set(codes)).toEqual(new Set([status.OK]));
    expect(new Set(colours)).toEqual(new Set(['blue\n', 'green\n']));
    expect(await colourAt(port)).toBe('green\n');
    open.write('still here');
    expect(String(((await once(open, 'data')) as [Buffer])[0])).toBe('still here');
    open.destroy();
    const next = call('Unary');
    expect([await next.ended, next.answers]).toEqual([status.OK, ['green']]);

    const before = stream.answers.length;
    await waitFor('words of the old release', () => stream.answers.length > before + 3);
    expect(new Set(stream.answers)).toEqual(new Set(['blue']));
    stream.cancel();
    expect(await stream.ended).toBe(status.CANCELLED);
  });
});
