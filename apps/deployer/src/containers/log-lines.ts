import type { LogLine } from './container-engine.port.js';

const HEADER_BYTES = 8;
/** A line longer than this is cut: neither a terminal nor an event has use for more. */
const LINE_CHARACTERS_MAX = 16_384;
/** As many bytes as that may take, and the time before it: of a line that does not end no more is kept. */
const LINE_BYTES_MAX = 4 * LINE_CHARACTERS_MAX + 64;

/**
 * Takes the engine's multiplexed log stream apart into lines. Chunks may end anywhere: in a header,
 * in a line, in a character.
 */
export class LogDemultiplexer {
  private pending: Buffer = Buffer.alloc(0);
  private readonly rest: Record<'stdout' | 'stderr', Buffer> = {
    stdout: Buffer.alloc(0),
    stderr: Buffer.alloc(0),
  };

  constructor(private readonly onLine: (line: LogLine) => void) {}

  push(chunk: Buffer): void {
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    while (this.pending.length >= HEADER_BYTES) {
      const length = this.pending.readUInt32BE(4);
      if (this.pending.length < HEADER_BYTES + length) return;
      const stream = this.pending[0] === 2 ? 'stderr' : 'stdout';
      this.take(stream, this.pending.subarray(HEADER_BYTES, HEADER_BYTES + length));
      this.pending = this.pending.subarray(HEADER_BYTES + length);
    }
  }

  /** What came after the last line break is a line, too. */
  end(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      if (this.rest[stream].length > 0) this.line(stream, this.rest[stream]);
      this.rest[stream] = Buffer.alloc(0);
    }
  }

  private take(stream: 'stdout' | 'stderr', payload: Buffer): void {
    let bytes =
      this.rest[stream].length === 0 ? payload : Buffer.concat([this.rest[stream], payload]);
    for (;;) {
      const end = bytes.indexOf(0x0a);
      if (end < 0) break;
      this.line(stream, bytes.subarray(0, end));
      bytes = bytes.subarray(end + 1);
    }
    // A copy, so that it does not hold the chunk it came in.
    this.rest[stream] = Buffer.from(bytes.subarray(0, LINE_BYTES_MAX));
  }

  private line(stream: 'stdout' | 'stderr', bytes: Buffer): void {
    const line = bytes.toString('utf8').replace(/\r$/, '');
    const space = line.indexOf(' ');
    // With `timestamps` every line begins with its time.
    const time = space > 0 ? line.slice(0, space) : line;
    const text = space > 0 ? line.slice(space + 1) : '';
    this.onLine({ time, stream, text: text.slice(0, LINE_CHARACTERS_MAX) });
  }
}
