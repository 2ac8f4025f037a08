import type { ProgressLine } from '@shiplog/api-client';
import type { Colors } from 'picocolors/types.js';
import type { Io } from '../io.js';
import type { Output } from '../output.js';
import { printableLine } from '../render/printable.js';
import { durationText } from '../render/time.js';

/** Shows what happens while a change is on its way, on stderr. */
interface ProgressView {
  show(line: ProgressLine): void;
  /** Takes the line of the running clock away. */
  close(): void;
}

const CLOCK_MS = 1000;
const SHORT_MS = 1000;
const NOW_AND_THEN_MS = 5_000;

export const createProgressView = (io: Io, out: Output): ProgressView => {
  const colors = out.noteColors;
  const clock = startClock(io, out);
  let lastAtMs: number | undefined;
  return {
    show: ({ kind, text, at }) => {
      // How it ended is told by the command.
      if (kind === 'done' || kind === 'failed') return;
      clock.clear();
      if (kind === 'output') {
        out.note(`${colors.dim('|')} ${printableLine(text)}`);
        return;
      }
      const atMs = Date.parse(at);
      const tookMs = lastAtMs === undefined ? 0 : atMs - lastAtMs;
      lastAtMs = atMs;
      const took = tookMs >= SHORT_MS ? colors.dim(`  ${durationText(tookMs)}`) : '';
      out.note(`${markOf(text, colors)} ${printableLine(text)}${took}`);
    },
    close: () => clock.stop(),
  };
};

/** A check for what went well, a cross for what did not, dots for what has not happened yet. */
const markOf = (text: string, colors: Colors): string => {
  if (text.startsWith('waiting')) return colors.yellow('…');
  return /: (?:exited|killed)/.test(text) ? colors.red('✗') : colors.green('✓');
};

interface Clock {
  clear(): void;
  stop(): void;
}

/** On a terminal: one line that shows that something still goes on, and for how long. */
const startClock = ({ stderr, now }: Io, { isJson, noteColors }: Output): Clock => {
  if (isJson || stderr.isTTY !== true) return { clear: () => undefined, stop: () => undefined };
  const startedAtMs = now();
  let isShown = false;
  const clear = (): void => {
    if (isShown) stderr.write('\r\u001b[K');
    isShown = false;
  };
  const timer = setInterval(() => {
    stderr.write(`\r\u001b[K${noteColors.dim(`… ${durationText(now() - startedAtMs)}`)}`);
    isShown = true;
  }, CLOCK_MS);
  return {
    clear,
    stop: () => {
      clearInterval(timer);
      clear();
    },
  };
};

/** Says what is being waited for when it takes longer than a second. */
export const withNotice = async <T>(
  { io, out }: { readonly io: Io; readonly out: Output },
  text: string,
  work: Promise<T>,
): Promise<T> => {
  let clock: Clock | undefined;
  const timer = setTimeout(() => {
    out.note(`${text} …`);
    clock = startClock(io, out);
  }, SHORT_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
    clock?.stop();
  }
};

/** One line that says how far something is: in its place on a terminal, else a new one now and then. */
export const createProgressLine = (
  { stderr, now }: Io,
  { isJson, note, noteColors }: Output,
): { show(text: string): void; close(): void } => {
  if (isJson) return { show: () => undefined, close: () => undefined };
  if (stderr.isTTY !== true) {
    let nextAtMs = now() + SHORT_MS;
    const show = (text: string): void => {
      if (now() < nextAtMs) return;
      nextAtMs = now() + NOW_AND_THEN_MS;
      note(text);
    };
    return { show, close: () => undefined };
  }
  return {
    show: (text) => {
      stderr.write(`\r\u001b[K${noteColors.dim(`… ${text}`)}`);
    },
    close: () => {
      stderr.write('\r\u001b[K');
    },
  };
};
