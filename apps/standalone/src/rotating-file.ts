import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

const BYTES_MAX = 20 * 1024 * 1024;

/**
 * A log file that becomes `<file>.1` when it has grown large; the one before it goes. Writing is
 * synchronous: what was said before a crash or a kill is in the file.
 */
export class RotatingFile {
  private descriptor: number;
  private bytes: number;

  constructor(
    private readonly file: string,
    private readonly bytesMax = BYTES_MAX,
  ) {
    this.descriptor = openSync(file, 'a', 0o600);
    this.bytes = fstatSync(this.descriptor).size;
  }

  write(line: string): void {
    try {
      if (this.bytes > this.bytesMax) this.rotate();
      this.bytes += writeSync(this.descriptor, line);
    } catch {
      // A full disk: what cannot be written down must not end the control plane.
    }
  }

  private rotate(): void {
    renameSync(this.file, `${this.file}.1`);
    closeSync(this.descriptor);
    this.descriptor = openSync(this.file, 'a', 0o600);
    this.bytes = 0;
  }
}
