import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ID_PATTERN } from '@shiplog/events';
import { gitEnvironment, readGit } from './git-command.js';

const EXTENSION = '.git';

/** One bare repository per app, named by the app's id: a recreated name is another repository. */
export class Repositories {
  constructor(readonly directory: string) {}

  path(appId: string): string {
    if (!ID_PATTERN.test(appId)) throw new Error('an app id is letters, digits, "_" and "-"');
    return join(this.directory, `${appId}${EXTENSION}`);
  }

  /** Makes it at the first use; many at once make one. */
  async ensure(appId: string): Promise<string> {
    const path = this.path(appId);
    if (await exists(join(path, 'HEAD'))) return path;
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const fresh = join(this.directory, `.new-${randomBytes(8).toString('hex')}`);
    try {
      await mkdir(fresh, { mode: 0o700 });
      // An empty template: the machine's own would bring hooks and its taste.
      await readGit(['init', '--quiet', '--bare', '--template=', '--initial-branch=main', fresh]);
      await rename(fresh, path);
    } catch (error) {
      if (!(await exists(join(path, 'HEAD')))) throw error;
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
    return path;
  }

  /** Apps that have one. */
  async ids(): Promise<readonly string[]> {
    const names = await readdir(this.directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    return names
      .filter((name) => name.endsWith(EXTENSION))
      .map((name) => name.slice(0, -EXTENSION.length))
      .filter((id) => ID_PATTERN.test(id));
  }

  /** On repetition nothing happens. */
  async remove(appId: string): Promise<void> {
    await rm(this.path(appId), { recursive: true, force: true, maxRetries: 3 });
  }

  /** Where a branch points; undefined when it does not exist. `ref` is one of our constants. */
  async resolve(appId: string, ref: string): Promise<string | undefined> {
    const args = ['--git-dir', this.path(appId), 'for-each-ref', '--format=%(objectname)', ref];
    const objectName = (await readGit(args)).trim();
    return objectName === '' ? undefined : objectName;
  }

  /** Moves a branch, unless somebody moved it since it was looked at. */
  async update(appId: string, ref: string, to: string, from: string | undefined): Promise<void> {
    const before = from ?? '0'.repeat(to.length);
    await readGit(['--git-dir', this.path(appId), 'update-ref', ref, to, before], gitEnvironment());
    await this.pointHead(appId, ref);
  }

  /** Who clones gets the branch that deploys: HEAD follows the first one that was pushed. */
  private async pointHead(appId: string, ref: string): Promise<void> {
    const head = (await readFile(join(this.path(appId), 'HEAD'), 'utf8')).trim();
    const current = /^ref: (\S+)$/.exec(head)?.[1];
    if (current === ref || (current !== undefined && (await this.resolve(appId, current)))) return;
    await readGit(['--git-dir', this.path(appId), 'symbolic-ref', 'HEAD', ref]);
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
