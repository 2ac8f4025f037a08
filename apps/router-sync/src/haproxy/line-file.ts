import { open, stat } from 'node:fs/promises';
import { replaceFile } from '../replace-file.js';

/** So many lines that nobody reads may lie in a file before it is written anew. */
const DEAD_LINES_MAX = 10_000;

/**
 * A file of lines, each with a key, of which HAProxy takes the first one and passes over what begins with `#`. A change
 * costs what changed: the new line is put at the end, then one byte makes the old one a comment. Whoever reads the file
 * meanwhile finds the old line or the new one.
 */
export class LineFile {
  /** Key → where its line begins. Undefined: what the file holds is not known. */
  private places: Map<string, number> | undefined;
  private size = 0;
  private inode = 0;
  private dead = 0;

  constructor(
    private readonly path: string,
    private readonly header = '',
  ) {}

  /** The whole file: these lines and no others. */
  async write(lines: ReadonlyMap<string, string>): Promise<void> {
    this.places = undefined;
    const places = new Map<string, number>();
    let size = Buffer.byteLength(this.header);
    const text = [this.header];
    for (const [key, line] of lines) {
      places.set(key, size);
      text.push(line, '\n');
      size += Buffer.byteLength(line) + 1;
    }
    await replaceFile(this.path, text.join(''));
    this.inode = (await stat(this.path)).ino;
    Object.assign(this, { size, dead: 0, places });
  }

  /**
   * Lines by key; null: there is none any more. False where the file is not the one that we wrote, or holds too much that
   * is over: it has to be written as a whole.
   */
  async change(lines: ReadonlyMap<string, string | null>): Promise<boolean> {
    const { places } = this;
    if (lines.size === 0) return true;
    if (places === undefined || this.dead > Math.max(DEAD_LINES_MAX, places.size)) return false;
    const file = await open(this.path, 'r+').catch(() => undefined);
    if (file === undefined) return false;
    // Whatever fails from here on: it is written as a whole.
    this.places = undefined;
    try {
      const { ino, size } = await file.stat();
      if (ino !== this.inode || size !== this.size) return false;
      const over = [...lines.keys()].flatMap((key) => places.get(key) ?? []);
      const text: string[] = [];
      for (const [key, line] of lines) {
        places.delete(key);
        if (line === null) continue;
        places.set(key, this.size);
        text.push(line, '\n');
        this.size += Buffer.byteLength(line) + 1;
      }
      if (text.length > 0) await file.write(text.join(''), size);
      for (const at of over) await file.write('#', at);
      this.dead += over.length;
      this.places = places;
      return true;
    } finally {
      await file.close();
    }
  }
}
