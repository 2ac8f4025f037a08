/** One message of the NATS protocol as it stands on the wire. */
export interface Frame {
  readonly bytes: Buffer;
  /** `HPUB`, `MSG`, `PING`, … */
  readonly verb: string;
  /** Of what is published or delivered. */
  readonly subject: string;
  readonly reply: string;
  /** Where the header and the payload begin; the end of the frame where there is none. */
  readonly headersAt: number;
  readonly payloadAt: number;
}

const CRLF = Buffer.from('\r\n');
const WITH_PAYLOAD = new Set(['PUB', 'HPUB', 'MSG', 'HMSG']);

/** Cuts what arrives in any pieces into frames. */
export class FrameSplitter {
  private rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): readonly Frame[] {
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    const frames: Frame[] = [];
    for (let frame = this.next(); frame !== undefined; frame = this.next()) frames.push(frame);
    return frames;
  }

  private next(): Frame | undefined {
    const lineEnd = this.rest.indexOf(CRLF);
    if (lineEnd < 0) return undefined;
    const words = this.rest.toString('latin1', 0, lineEnd).split(/\s+/);
    const verb = (words[0] ?? '').toUpperCase();
    const headersAt = lineEnd + CRLF.length;
    if (!WITH_PAYLOAD.has(verb)) return this.take(headersAt, { verb, subject: '', reply: '' });
    const total = Number(words.at(-1));
    const end = headersAt + total + CRLF.length;
    if (this.rest.length < end) return undefined;
    const hasHeaders = verb.startsWith('H');
    const headerBytes = hasHeaders ? Number(words.at(-2)) : 0;
    // PUB subject [reply] …, MSG subject sid [reply] …
    const fixed = (verb.endsWith('PUB') ? 2 : 3) + (hasHeaders ? 2 : 1);
    const reply = words.length > fixed ? (words[fixed - (hasHeaders ? 2 : 1)] ?? '') : '';
    const payloadAt = headersAt + headerBytes;
    return this.take(end, { verb, subject: words[1] ?? '', reply, headersAt, payloadAt });
  }

  private take(
    end: number,
    what: Pick<Frame, 'verb' | 'subject' | 'reply'> & Partial<Frame>,
  ): Frame {
    const bytes = Buffer.from(this.rest.subarray(0, end));
    this.rest = this.rest.subarray(end);
    return { headersAt: end, payloadAt: end, ...what, bytes };
  }
}
