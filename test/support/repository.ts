import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, runProgram, type Finished, type TestPlatform } from './platform.js';

/** A git repository of one of the test apps, pushed as a user pushes. */
export class Repository {
  private constructor(readonly folder: string) {}

  /** A fresh repository with the content of `test/support/apps/<name>`, committed on main. */
  static async of(name: string): Promise<Repository> {
    const repository = new Repository(await mkdtemp(join(tmpdir(), 'shiplog-repo-')));
    await cp(join(ROOT, 'test/support/apps', name), repository.folder, { recursive: true });
    await repository.git(['init', '--quiet', '--initial-branch', 'main']);
    await repository.commit('first');
    return repository;
  }

  async commit(message: string): Promise<void> {
    await this.git(['add', '--all']);
    const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.invalid'];
    await this.git([...identity, 'commit', '--quiet', '--allow-empty', '--message', message]);
  }

  async write(file: string, content: string): Promise<void> {
    await writeFile(join(this.folder, file), content);
  }

  /** Replaces the content with that of another test app and commits. */
  async become(name: string): Promise<void> {
    await this.git(['rm', '-rq', '.']);
    await cp(join(ROOT, 'test/support/apps', name), this.folder, { recursive: true });
    await this.commit(`now ${name}`);
  }

  async git(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
    const result = await this.try(args, env);
    if (result.code !== 0) throw new Error(`git ${args.join(' ')}: ${result.stderr}`);
    return result;
  }

  try(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
    return runProgram('git', args, {
      cwd: this.folder,
      env: { ...process.env, GIT_TERMINAL_PROMPT: '0', ...env },
    });
  }

  /** Pushes to the app with the administrator's token; answers also when the push is rejected. */
  async push(platform: TestPlatform, app: string, branch = 'main'): Promise<Finished> {
    const token = await platform.token();
    return this.try(
      ['push', '--force', `${platform.apiUrl}/git/${app}.git`, `HEAD:refs/heads/${branch}`],
      {
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: 'http.extraHeader',
        GIT_CONFIG_VALUE_0: `Authorization: Basic ${Buffer.from(`x:${token}`).toString('base64')}`,
      },
    );
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Creates the app and pushes a test app to it; throws with everything that was printed when that fails. */
export const deployed = async (
  platform: TestPlatform,
  app: string,
  source: string,
): Promise<Repository> => {
  await platform.json(['apps', 'create', app]);
  const repository = await Repository.of(source);
  const pushed = await repository.push(platform, app);
  if (pushed.code !== 0) throw new Error(`pushing ${source}:\n${pushed.stderr}`);
  return repository;
};
