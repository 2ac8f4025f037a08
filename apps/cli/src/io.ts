import type { RetryPolicy } from '@shiplog/api-client';
import type { Readable, Writable } from 'node:stream';

export type Input = Readable & {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
};
export type Screen = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** Everything the program touches outside itself, so that tests run it in their own process. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly homeDirectory: string;
  readonly isRoot: boolean;
  readonly stdin: Input;
  readonly stdout: Screen;
  readonly stderr: Screen;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Absolute path of the `shiplog` executable: what git calls as credential helper. */
  readonly executable: string;
  readonly version: string;
  /** How long a server that does not answer is tried again. Default: that of the client. */
  readonly retry?: RetryPolicy;
}
