import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameSplitter } from './nats-frames.js';

const WIRE = [
  'CONNECT {"verbose":false}\r\n',
  'SUB _INBOX_api.x.* 1\r\n',
  'HPUB log.app.a _INBOX_api.x.1 12 17\r\nNATS/1.0\r\n\r\nab\r\nc\r\n',
  'PUB tel.api.x 5\r\n\r\n\r\n!\r\n',
  'PUB $JS.API.X _INBOX_api.x.2 0\r\n\r\n',
  'MSG _INBOX_api.x.1 1 4\r\n{}{}\r\n',
  'HMSG _INBOX_api.x.1 1 back 12 12\r\nNATS/1.0\r\n\r\n\r\n',
  'PING\r\n',
];

describe('frames of the NATS protocol', () => {
  it('are found however the bytes arrive, and are the bytes that arrived', () => {
    const all = Buffer.from(WIRE.join(''));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 })), (sizes) => {
        const splitter = new FrameSplitter();
        const frames = [];
        let at = 0;
        for (const size of [...sizes, all.length]) {
          frames.push(...splitter.push(all.subarray(at, at + size)));
          at += size;
        }
        expect(frames.map(({ bytes }) => bytes.toString())).toEqual(WIRE);
      }),
    );
  });

  it('tell what they are about', () => {
    const told = new FrameSplitter()
      .push(Buffer.from(WIRE.join('')))
      .map(({ verb, subject, reply }) => [verb, subject, reply]);
    expect(told).toEqual([
      ['CONNECT', '', ''],
      ['SUB', '', ''],
      ['HPUB', 'log.app.a', '_INBOX_api.x.1'],
      ['PUB', 'tel.api.x', ''],
      ['PUB', '$JS.API.X', '_INBOX_api.x.2'],
      ['MSG', '_INBOX_api.x.1', ''],
      ['HMSG', '_INBOX_api.x.1', 'back'],
      ['PING', '', ''],
    ]);
  });

  it('tell where header and payload begin', () => {
    const [frame] = new FrameSplitter().push(Buffer.from(WIRE[2] ?? ''));
    expect(frame?.bytes.toString('utf8', frame.headersAt, frame.payloadAt)).toBe(
      'NATS/1.0\r\n\r\n',
    );
    expect(frame?.bytes.toString('utf8', frame.payloadAt)).toBe('ab\r\nc\r\n');
  });
});
