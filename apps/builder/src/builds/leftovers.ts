import { appendFile, mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Containers that the engine made to run build steps. It labels them with nothing of ours, so what it
 * says of them is written down: after a crash of both they are found and removed.
 */
export class LeftoverRecord {
  private writing: Promise<void> = Promise.resolve();

  constructor(private readonly path: string) {}

  static of(directory: string, buildId: string): LeftoverRecord {
    return new LeftoverRecord(join(directory, `${buildId}.containers`));
  }

  add(containerId: string): void {
    this.writing = this.writing
      .then(() => mkdir(dirname(this.path), { recursive: true, mode: 0o700 }))
      .then(() => appendFile(this.path, `${containerId}\n`, { mode: 0o600 }))
      // Losing a note costs at most a stopped container.
      .catch(() => undefined);
  }

  async read(): Promise<readonly string[]> {
    await this.writing;
    const text = await readFile(this.path, 'utf8').catch(() => '');
    return text.split('\n').filter((id) => /^[0-9a-f]{12,64}$/.test(id));
  }

  async forget(): Promise<void> {
    await this.writing;
    await rm(this.path, { force: true });
  }
}
