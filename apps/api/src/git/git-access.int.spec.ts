import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { git, userToken, pushToken, strangerToken, useGitServer } from './testing/git-server.js';

const server = useGitServer();
const { newProject, urlWith } = server;

describe('who may', () => {
  it('asks for a token, and refuses one that is wrong', async () => {
    const project = await newProject('wrong');
    const wrong = await git(project, 'push', urlWith(`shp_${'x'.repeat(43)}`), 'main');
    expect(wrong.exitCode).not.toBe(0);
    expect(wrong.output).toMatch(/Authentication failed|unknown, expired or revoked/);
    const answer = await fetch(`${server.base}/git/hello.git/info/refs?service=git-receive-pack`);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('Basic realm=');
  });

  it('answers 404 for an unknown app, and for the app of another team', async () => {
    const project = await newProject('unknown');
    const unknown = await git(project, 'push', urlWith(userToken, 'nothere'), 'main');
    expect(unknown.exitCode).not.toBe(0);
    expect(unknown.output).toContain("app 'nothere' not found");
    expect(unknown.output).toContain('shiplog apps create nothere');
    const foreign = await git(project, 'push', urlWith(strangerToken), 'main');
    expect(foreign.output).toContain("app 'hello' not found");
  });

  it('keeps every path to its own repository', async () => {
    const headers = { Authorization: `Basic ${Buffer.from(`x:${userToken}`).toString('base64')}` };
    for (const path of [
      'hello.git/../other.git/info/refs?service=git-upload-pack/..',
      '.hooks/hook.cjs',
      'hello.git/config',
      'hello.git/HEAD',
      'hello.git/objects/info/packs',
      'hello.git/info/refs',
      '%2e%2e/sources',
      'hello.git%2f..%2fother.git/info/refs?service=git-upload-pack',
    ]) {
      const { status } = await fetch(`${server.base}/git/${path}`, { headers });
      expect([path, status]).toEqual([path, 404]);
    }
  });

  it('understands a request that is compressed', async () => {
    const project = await newProject('compressed');
    expect((await git(project, 'push', urlWith(userToken), 'main')).exitCode).toBe(0);
    const answer = await fetch(`${server.base}/git/hello.git/git-upload-pack`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${userToken}`,
        'Content-Type': 'application/x-git-upload-pack-request',
        'Content-Encoding': 'gzip',
        'Git-Protocol': 'version=2',
      },
      body: gzipSync('0014command=ls-refs\n00010000'),
    });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('refs/heads/main');
  });

  it('lets a user clone, and a push token push only', async () => {
    const project = await newProject('cloned');
    expect((await git(project, 'push', urlWith(pushToken), 'main')).exitCode).toBe(0);
    const refused = await git(server.root, 'clone', '--quiet', urlWith(pushToken), 'not-cloned');
    expect(refused.exitCode).not.toBe(0);
    expect(refused.output).toContain('this token is for pushing only');
    const clone = await git(server.root, 'clone', '--quiet', urlWith(userToken), 'clone-of-hello');
    expect(clone.exitCode).toBe(0);
    const heads = await Promise.all(
      [project, join(server.root, 'clone-of-hello')].map((path) => git(path, 'rev-parse', 'HEAD')),
    );
    expect(heads[0]?.output).toBe(heads[1]?.output);
  });
});
