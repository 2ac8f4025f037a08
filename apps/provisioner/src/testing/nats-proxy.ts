import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';
import { FrameSplitter, type Frame } from './nats-frames.js';

/** What becomes of one commit that a client publishes. */
export type Fate =
  | 'pass'
  /** It never arrives. */
  | 'drop'
  /** It arrives, and its answer does not. */
  | 'drop-answer'
  | 'duplicate'
  /** The connection ends with half of it: inside its headers, or inside the commit. */
  | 'cut-in-headers'
  | 'cut-in-payload'
  /** The server gets all of it and stores it; its answer finds nobody. */
  | 'cut-after'
  /** It arrives when `release` is called, whatever became of its sender meanwhile. */
  | 'hold'
  | { readonly delayMs: number }
  | { readonly delayAnswerMs: number };

/** Stands between a client and nats-server, knows the commits that pass, and breaks what it is told to break. */
export interface NatsProxy {
  readonly port: number;
  /** Decides about every commit published from now on. */
  setFate(fateOf: () => Fate): void;
  /** Meets the next commit, and then none. */
  setOnce(fate: Fate): void;
  /** The server hears everything and nobody hears the server; connections are cut when that ends. */
  setSilent(isSilent: boolean): void;
  /** How often a fault struck, so that a test can prove that it tested something. */
  struck(): number;
  /** How many commits it holds. */
  held(): number;
  /** Sends on what is held. */
  release(): void;
  /** Nothing is under way any more on the connections of clients that are gone, and nothing comes late. */
  isQuiet(): boolean;
  close(): Promise<void>;
}

/** One client and its connection to the server. */
interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
  /** Answers that the client must not get, or gets later. */
  readonly answers: Map<string, 'drop' | number>;
  /** Commits under way that arrive even when the client is gone. */
  late: number;
}

const isCommit = ({ verb, subject }: Frame): boolean =>
  verb === 'HPUB' && subject.startsWith('log.');

export const startNatsProxy = async (target: number): Promise<NatsProxy> => {
  const pairs = new Set<Pair>();
  const held: (() => void)[] = [];
  let fateOf: () => Fate = () => 'pass';
  let isSilent = false;
  let struck = 0;

  const cut = (pair: Pair, sent: Buffer): void => {
    pair.upstream.end(sent);
    pair.client.destroy();
  };
  const endWhenDone = (pair: Pair): void => {
    if (pair.late === 0 && pair.client.destroyed) pair.upstream.end();
  };
  /** Gives the way to send it later, which works as long as the server listens. */
  const later = (pair: Pair, { bytes }: Frame): (() => void) => {
    pair.late += 1;
    return () => {
      pair.late -= 1;
      if (!pair.upstream.destroyed) pair.upstream.write(bytes);
      endWhenDone(pair);
    };
  };
  const strike = (pair: Pair, frame: Frame, fate: Exclude<Fate, 'pass'>): void => {
    const { bytes, headersAt, payloadAt, reply } = frame;
    const { upstream, answers } = pair;
    if (typeof fate === 'object') {
      if ('delayMs' in fate) {
        setTimeout(later(pair, frame), fate.delayMs);
        return;
      }
      answers.set(reply, fate.delayAnswerMs);
      upstream.write(bytes);
      return;
    }
    switch (fate) {
      case 'drop':
        return;
      case 'drop-answer':
        answers.set(reply, 'drop');
        upstream.write(bytes);
        return;
      case 'duplicate':
        upstream.write(Buffer.concat([bytes, bytes]));
        return;
      case 'cut-in-headers':
        return cut(pair, bytes.subarray(0, (headersAt + payloadAt) >> 1));
      case 'cut-in-payload':
        return cut(pair, bytes.subarray(0, (payloadAt + bytes.length) >> 1));
      case 'cut-after':
        return cut(pair, bytes);
      case 'hold':
        held.push(later(pair, frame));
    }
  };
  const fromClient = (pair: Pair, frame: Frame): void => {
    if (pair.client.destroyed) return;
    const fate = isCommit(frame) ? fateOf() : 'pass';
    if (fate === 'pass') {
      pair.upstream.write(frame.bytes);
      return;
    }
    struck += 1;
    strike(pair, frame, fate);
  };
  const fromServer = ({ client, answers }: Pair, { subject, bytes }: Frame): void => {
    if (isSilent) {
      struck += 1;
      return;
    }
    const what = answers.get(subject);
    if (what === undefined) client.write(bytes);
    else if (what !== 'drop') setTimeout(() => client.write(bytes), what);
  };

  const server = createServer((client) => {
    const upstream = createConnection({ host: '127.0.0.1', port: target });
    const pair: Pair = { client, upstream, answers: new Map(), late: 0 };
    pairs.add(pair);
    const [asked, answered] = [new FrameSplitter(), new FrameSplitter()];
    client.on('data', (chunk) => asked.push(chunk).forEach((frame) => fromClient(pair, frame)));
    upstream.on('data', (chunk) =>
      answered.push(chunk).forEach((frame) => fromServer(pair, frame)),
    );
    client.on('error', () => undefined);
    upstream.on('error', () => undefined);
    client.on('close', () => endWhenDone(pair));
    upstream.on('close', () => {
      client.destroy();
      pairs.delete(pair);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    port: (server.address() as AddressInfo).port,
    setFate: (next) => (fateOf = next),
    setOnce: (fate) => {
      fateOf = () => {
        fateOf = () => 'pass';
        return fate;
      };
    },
    setSilent: (next) => {
      // A stream with a hole in it cannot go on.
      if (isSilent) for (const { client } of [...pairs]) client.destroy();
      isSilent = next;
    },
    struck: () => struck,
    held: () => held.length,
    isQuiet: () => [...pairs].every(({ client, late }) => late === 0 && !client.destroyed),
    release: () => held.splice(0).forEach((send) => send()),
    close: async () => {
      for (const { client, upstream } of [...pairs]) {
        client.destroy();
        upstream.destroy();
      }
      server.close();
      await once(server, 'close');
    },
  };
};
