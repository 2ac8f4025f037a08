import { describe, expect, it } from 'vitest';
import { parseTarget } from './target-address.js';

describe('the address of a place for backups', () => {
  it('is a folder or a bucket', () => {
    expect(parseTarget('/mnt//backup/')).toEqual({ kind: 'directory', path: '/mnt/backup' });
    expect(parseTarget('s3://bucket/some/prefix?region=eu&endpoint=http://127.0.0.1:9')).toEqual({
      kind: 's3',
      bucket: 'bucket',
      prefix: 'some/prefix/',
      region: 'eu',
      endpoint: 'http://127.0.0.1:9',
    });
    expect(parseTarget('s3://bucket')).toMatchObject({ prefix: '', endpoint: undefined });
  });

  it.each([
    's3://user:secret@bucket/prefix',
    's3://bucket?endpoint=https://user:secret@s3.example.com',
    's3://bucket?endpoint=https%3A%2F%2Fuser%3Asecret%40s3.example.com',
    's3://bucket?endpoint=https://secret@s3.example.com',
  ])('never has credentials, not in its endpoint either: %s', (address) => {
    const parse = (): unknown => parseTarget(address);
    expect(parse).toThrow(/credentials do not belong into the address/);
    expect(parse).not.toThrow(/secret/);
  });

  it.each(['backup', 'ftp://x', 's3://B', 's3://bucket?key=1', 's3://bucket?endpoint=file:///x'])(
    'that is none is refused: %s',
    (address) => {
      expect(() => parseTarget(address)).toThrow(
        expect.objectContaining({ code: 'backup-target-invalid' }) as Error,
      );
    },
  );
});
