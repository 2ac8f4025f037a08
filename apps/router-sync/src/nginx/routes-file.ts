import { open, type FileHandle } from 'node:fs/promises';
import { constants } from 'node:fs';
import { replaceFile } from '../replace-file.js';

/** What was added is folded into the rest when it is more than that, and more than this. */
const ADDED_BYTES_MIN = 64 * 1024;

/**
 * The file of routes that an nginx begins with. Every change is a line of it, so that a change among many
 * routes costs no more than one among few. Whoever else touched it gets it written anew.
 */
export class NginxRoutesFile {
  private wholeBytes = 0;
  private bytes = -1;

  constructor(private readonly path: string) {}

  async write(text: string): Promise<void> {
    await replaceFile(this.path, text);
    this.wholeBytes = Buffer.byteLength(text);
    this.bytes = this.wholeBytes;
  }

  /** False when it has to be written whole. */
  async add(lines: readonly string[]): Promise<boolean> {
    if (this.bytes - this.wholeBytes > Math.max(this.wholeBytes, ADDED_BYTES_MIN)) return false;
    const text = lines.map((line) => `${line}\n`).join('');
    const flags = constants.O_WRONLY | constants.O_APPEND;
    const file = await open(this.path, flags).catch(() => undefined);
    if (file === undefined) return false;
    try {
      return await this.append(file, text);
    } finally {
      await file.close();
    }
  }

  private async append(file: FileHandle, text: string): Promise<boolean> {
    if ((await file.stat()).size !== this.bytes) return false;
    await file.appendFile(text);
    this.bytes += Buffer.byteLength(text);
    return true;
  }
}
