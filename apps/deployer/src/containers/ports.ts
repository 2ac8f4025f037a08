import { createServer } from 'node:net';
import { EngineError } from './container-engine.port.js';

interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** Below the ports that Linux gives to outgoing connections (32768 and above). */
const DEFAULT_RANGE: PortRange = { from: 20_000, to: 31_999 };
const SLICE = 1000;

/** A refused port is not offered again for this long. */
const REFUSED_MS = 600_000;

/** Where a platform begins to look: platforms side by side seldom meet. */
export const sliceOf = (platform: string): PortRange => {
  const slices = (DEFAULT_RANGE.to - DEFAULT_RANGE.from + 1) / SLICE;
  let hash = 0;
  for (const character of platform) hash = (hash * 31 + character.charCodeAt(0)) % 65_521;
  const from = DEFAULT_RANGE.from + (hash % slices) * SLICE;
  return { from, to: from + SLICE - 1 };
};

/**
 * Chooses host ports. It goes round its range instead of taking the lowest free one: the longer a
 * port rests, the surer no router still sends requests of another app to it.
 */
export class PortAllocator {
  private next: number;
  private readonly refused = new Map<number, number>();

  constructor(
    private readonly range: PortRange,
    private readonly options: {
      readonly isFree?: (port: number) => Promise<boolean>;
      readonly nowMs: () => number;
      readonly random?: () => number;
    },
  ) {
    const size = range.to - range.from + 1;
    this.next = range.from + Math.floor((options.random ?? Math.random)() * size);
  }

  /** The engine said that somebody else has it. */
  refuse(port: number): void {
    this.refused.set(port, this.options.nowMs() + REFUSED_MS);
  }

  /** A port that no instance holds and nothing listens on; throws when there is none. */
  async allocate(used: Pick<ReadonlySet<number>, 'has'>): Promise<number> {
    const { from, to } = this.range;
    const isFree = this.options.isFree ?? canBind;
    for (let i = from; i <= to; i += 1) {
      const port = this.next;
      this.next = port >= to ? from : port + 1;
      if (used.has(port) || this.isRefused(port)) continue;
      if (await isFree(port)) return port;
    }
    const said = `no port between ${from} and ${to} is free`;
    throw new EngineError('port-taken', 'choosing a port for an instance', said);
  }

  private isRefused(port: number): boolean {
    const until = this.refused.get(port);
    if (until === undefined) return false;
    if (until > this.options.nowMs()) return true;
    this.refused.delete(port);
    return false;
  }
}

/** Tells of this machine; from inside a container the engine alone knows, and says so at the start. */
const canBind = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      server.close(() => resolve(true));
    });
  });
