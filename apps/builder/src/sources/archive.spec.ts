import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { tarOf, tarOfHeaders } from '../testing/source-archives.js';
import { contextOf, eachEntry } from './archive.js';
import { readSourceFacts } from './source-facts.js';
import { readTar } from './tar.js';

const bytesOf = async (stream: Readable): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks);
};

/** Opens as often as it is asked to. */
const kept = async (stream: Readable) => {
  const bytes = await bytesOf(stream);
  return () => Readable.from([bytes]);
};

/** `<length> <key>=<value>\n`, the length that of the whole record. */
const paxRecord = (text: string): Buffer => Buffer.from(`${text.length + 4} ${text}\n`);

/** An archive with an extended header before its only entry. */
const tarWithPax = async (header: Buffer): Promise<Buffer> => {
  const out = pack();
  out.entry({ name: 'pax', size: header.length }, header);
  out.entry({ name: 'a' }, '');
  out.finalize();
  const bytes = await bytesOf(out as unknown as Readable);
  const block = bytes.subarray(0, 512);
  block.write('x', 156);
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
};

const facts = async (stream: Readable) => readSourceFacts(await kept(stream));

describe('a source archive', () => {
  it('is read without unpacking it', async () => {
    const { files, texts } = await facts(
      tarOf({ './package.json': '{}', 'src/a.js': '1', 'src/package.json': 'x' }),
    );
    expect([...files]).toEqual(['package.json', 'src/a.js', 'src/package.json']);
    expect([...texts]).toEqual([['package.json', '{}']]);
  });

  it('may be compressed', async () => {
    const { files } = await facts(tarOf({ Dockerfile: 'FROM x' }).pipe(createGzip()));
    expect([...files]).toEqual(['Dockerfile']);
  });

  it.each([
    ['a name that climbs out', { name: '../evil' }],
    ['a name that climbs out later', { name: 'a/../../evil' }],
    ['an absolute name', { name: '/etc/evil' }],
    ['an absolute link', { name: 'link', type: 'symlink', linkname: '/etc' }],
    ['a link that climbs out', { name: 'a/link', type: 'symlink', linkname: '../../etc' }],
    ['a link to nothing', { name: 'link', type: 'symlink', linkname: '' }],
    ['a hard link out of it', { name: 'link', type: 'link', linkname: '../etc/passwd' }],
    ['a device', { name: 'device', type: 'character-device' }],
    ['a pipe', { name: 'pipe', type: 'fifo' }],
  ] as const)('is refused with %s', async (_, header) => {
    await expect(facts(tarOfHeaders([header]))).rejects.toThrow(/The (source|symbolic link)/);
  });

  it('is refused with a file behind a link', async () => {
    const entries = [
      { name: 'safe', type: 'directory' },
      { name: 'link', type: 'symlink', linkname: 'safe' },
      { name: 'link/file' },
    ] as const;
    await expect(facts(tarOfHeaders(entries))).rejects.toThrow(/behind the symbolic link/);
  });

  it('may link inside its tree', async () => {
    const entries = [
      { name: 'a/b/link', type: 'symlink', linkname: '../../c' },
      { name: 'c' },
      { name: 'hard', type: 'link', linkname: './c' },
    ] as const;
    expect([...(await facts(tarOfHeaders(entries))).files]).toEqual(['a/b/link', 'c', 'hard']);
  });

  it('is refused when it has too many entries, or too much in them', async () => {
    const small = { entries: 2, bytes: 10, nameLength: 100 };
    const many = await kept(tarOf({ a: '', b: '', c: '' }));
    await expect(readSourceFacts(many, small)).rejects.toThrow(/more than 2 entries/);
    const large = await kept(tarOf({ a: 'x'.repeat(11) }));
    await expect(readSourceFacts(large, small)).rejects.toThrow(/larger than/);
    const long = await kept(tarOf({ ['x'.repeat(101)]: '' }));
    await expect(readSourceFacts(long, small)).rejects.toThrow(/longer than 100 characters/);
  });

  it('is refused when gzip blows it up', async () => {
    const bomb = await kept(tarOf({ a: 'x'.repeat(1024 ** 2) }).pipe(createGzip()));
    const small = { entries: 2, bytes: 1000, nameLength: 100 };
    await expect(readSourceFacts(bomb, small)).rejects.toThrow(/larger than/);
  });

  it.each([
    ['text', Buffer.from('this is no archive')],
    ['noise', Buffer.alloc(2000, 7)],
    ['nothing after a gzip head', Buffer.from([0x1f, 0x8b, 8, 0])],
  ])('is refused when it is %s', async (_, bytes) => {
    await expect(readSourceFacts(() => Readable.from([bytes]))).rejects.toThrow(
      /not a complete tar archive/,
    );
  });

  it.each([
    ['of a size below nothing', paxRecord('size=-5')],
    ['with a header larger than any path', Buffer.alloc(5 * 1024 ** 2, 0x20)],
  ])('is refused with an entry %s', async (_, header) => {
    const archive = await tarWithPax(header);
    await expect(readSourceFacts(() => Readable.from([archive]))).rejects.toThrow(
      /not a complete tar archive/,
    );
  });

  it('is refused when its end is missing', async () => {
    const whole = await bytesOf(tarOf({ a: 'x'.repeat(5000) }));
    const cut = () => Readable.from([whole.subarray(0, 2000)]);
    await expect(readSourceFacts(cut)).rejects.toThrow(/not a complete tar archive/);
  });

  it('is refused when it breaks off in a file that is read', async () => {
    const whole = await bytesOf(tarOf({ 'package.json': 'x'.repeat(5000) }));
    const cut = () => Readable.from([whole.subarray(0, 2000)]);
    await expect(readSourceFacts(cut)).rejects.toThrow(/not a complete tar archive/);
  });
});

describe('a build context', () => {
  it('has our files first, and the source where it was placed', async () => {
    const open = await kept(tarOf({ 'package.json': '{}', 'node_modules/x': '', 'a.js': '1' }));
    const context = contextOf(open, {
      own: { Dockerfile: 'FROM x' },
      placements: [
        (name) => (name === 'package.json' ? `manifests/${name}` : undefined),
        (name) => (name.startsWith('node_modules') ? undefined : `source/${name}`),
      ],
    });
    const again = await kept(context);
    const names: string[] = [];
    await eachEntry(again, (entry) => {
      names.push(entry.name);
      return Promise.resolve();
    });
    expect(names).toEqual([
      'Dockerfile',
      'manifests/package.json',
      'source/package.json',
      'source/a.js',
    ]);
  });

  it('drops rights that a file must not bring along', async () => {
    const open = await kept(tarOfHeaders([{ name: 'tool', mode: 0o4755, uid: 0 }]));
    const { sink, entries } = readTar();
    contextOf(open, { own: {}, placements: [(name) => name] }).pipe(sink);
    for await (const { header } of entries) expect(header.mode).toBe(0o755);
  });
});
