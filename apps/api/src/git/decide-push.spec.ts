import { describe, expect, it } from 'vitest';
import { decidePush } from './decide-push.js';
import { parseGitRequest, tokenOf } from './git-handler.js';
import { gitUrl } from './index.js';

const gone = '0'.repeat(40);
const one = '1'.repeat(40);
const two = '2'.repeat(40);
const update = (ref: string, after = one) => ({ before: gone, after, ref });

describe('deciding about a push', () => {
  it('deploys main or master and stores the rest', () => {
    expect(
      decidePush([update('refs/heads/main'), update('refs/heads/x'), update('refs/tags/v1', gone)]),
    ).toEqual({
      kind: 'accepted',
      deploy: { branch: 'main', commit: one },
      notes: [
        'branch x is stored, not deployed; to deploy it: git push <remote> HEAD:main',
        'tag v1 is deleted',
      ],
    });
  });

  it('deploys nothing when nothing came', () => {
    expect(decidePush([])).toEqual({ kind: 'accepted', notes: [], deploy: null });
  });

  it('refuses two commits to deploy, the end of a deployed branch, and unknown kinds of refs', () => {
    for (const updates of [
      [update('refs/heads/main', one), update('refs/heads/master', two)],
      [update('refs/heads/master', gone)],
      [update('refs/heads/main'), update('refs/notes/x')],
    ]) {
      expect(decidePush(updates).kind).toBe('refused');
    }
  });

  it('prints no control characters of a name', () => {
    const decided = decidePush([update('refs/heads/a\u001b[31mb')]);
    expect(decided).toMatchObject({ notes: [expect.stringContaining('branch a?[31mb')] });
  });
});

describe('what a git client asks for', () => {
  it('is one of three paths of an app, by its name or id', () => {
    expect(parseGitRequest('GET', '/hello.git/info/refs?service=git-upload-pack')).toEqual({
      app: 'hello',
      path: 'info/refs',
      service: 'git-upload-pack',
    });
    expect(parseGitRequest('POST', '/app_1/git-receive-pack')?.app).toBe('app_1');
  });

  it.each([
    ['GET', '/hello.git/info/refs'],
    ['GET', '/hello.git/info/refs?service=git-shell'],
    ['POST', '/hello.git/info/refs?service=git-upload-pack'],
    ['GET', '/hello.git/git-upload-pack'],
    ['GET', '/hello.git/HEAD'],
    ['GET', '/../x.git/info/refs?service=git-upload-pack/'],
    ['GET', '/a%2fb.git/info/refs?service=git-upload-pack'],
    ['GET', '/.git/info/refs?service=git-upload-pack'],
  ])('is nothing else: %s %s', (method, url) => {
    expect(parseGitRequest(method, url)).toBeUndefined();
  });

  it('comes with a token as password, or as Bearer', () => {
    const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
    expect(tokenOf(basic('anybody:shp_x:y'))).toBe('shp_x:y');
    expect(tokenOf('bearer shp_x')).toBe('shp_x');
    for (const bad of [undefined, '', 'Basic', basic('no-colon'), 'Digest x']) {
      expect(tokenOf(bad)).toBeUndefined();
    }
  });
});

describe('a git URL', () => {
  it('works as it is', () => {
    expect(gitUrl('http://127.0.0.1:4600', 'hello', 'shp_abc-_1')).toBe(
      'http://x:shp_abc-_1@127.0.0.1:4600/git/hello.git',
    );
  });
});
