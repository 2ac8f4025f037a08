import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FORMAT, decodeManifest, encodeManifest, type Manifest } from './manifest.js';

const hash = (letter: string): string => letter.repeat(64);
const manifest: Manifest = {
  format: FORMAT,
  backupId: '20260101T000000Z-00000001',
  platform: 'test',
  domain: 'localhost',
  nodeId: 'n1',
  startedAt: '2026-01-01T00:00:00.000Z',
  createdAt: '2026-01-01T00:00:01.000Z',
  base: null,
  position: '0'.repeat(19) + '1',
  headHash: hash('a'),
  log: [],
  keys: { recipient: 'age1', content: hash('b'), files: [] },
  files: [],
  sources: [],
  repositories: [{ appId: 'a1', head: 'refs/heads/main', refs: {}, packs: [] }],
  images: [],
  volumes: [],
  volumesLeft: [],
  missing: [],
  objects: [],
  addedBytes: 0,
};

/** Written by somebody who knows the format, but not by us. */
const forged = (value: unknown): string => {
  const json = JSON.stringify(value);
  const digest = createHash('sha256').update(json).digest('hex');
  return `{"sha256":"${digest}","manifest":${json}}\n`;
};

describe('a manifest', () => {
  it('is read as it was written', () => {
    const { text, digest } = encodeManifest(manifest);
    expect(decodeManifest(text, 'it')).toEqual({ manifest, digest });
    expect(text).toBe(forged(manifest));
  });

  it.each(['../../etc', 'a/b', '..', '', 'a\0b'])(
    'that would restore a repository to %j is damaged',
    (appId) => {
      const text = forged({ ...manifest, repositories: [{ ...manifest.repositories[0], appId }] });
      expect(() => decodeManifest(text, 'it')).toThrow(
        expect.objectContaining({
          code: 'backup-damaged',
          message: expect.stringContaining('repositories.0.appId') as string,
        }) as Error,
      );
    },
  );

  it('from before volumes were in it is read as one that has none', () => {
    const { volumes: _volumes, volumesLeft: _left, ...old } = manifest;
    const { manifest: read } = decodeManifest(forged({ ...old, format: 1 }), 'it');
    expect(read).toEqual({ ...manifest, format: 1 });
  });

  it('with a changed byte, and one of another format, say so', () => {
    const { text } = encodeManifest(manifest);
    const codeOf = (changed: string): unknown => {
      try {
        return decodeManifest(changed, 'it');
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    expect(codeOf(text.replace('localhost', 'localhosu'))).toBe('backup-damaged');
    expect(codeOf(forged({ ...manifest, format: FORMAT + 1 }))).toBe('backup-format-unknown');
  });
});
