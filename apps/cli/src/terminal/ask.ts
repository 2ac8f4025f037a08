import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { CliError, EXIT } from '../exit-code.js';
import type { Io } from '../io.js';

/** One line from the person at the terminal; the question goes to stderr. */
export const ask = (io: Io, question: string): Promise<string> => askOn(io, question, io.stderr);

/** The same without showing what is typed. */
export const askSecret = async (io: Io, question: string): Promise<string> => {
  io.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const answer = await askOn(io, '', nowhere);
  io.stderr.write('\n');
  return answer;
};

const askOn = async (io: Io, question: string, output: Writable): Promise<string> => {
  const reader = createInterface({ input: io.stdin, output, terminal: io.stdin.isTTY === true });
  try {
    // Ctrl-D, or the end of a file, is an answer, too: none.
    const ended = new Promise<string>((resolve) => reader.once('close', () => resolve('')));
    const answer = reader.question(question, { signal: io.signal });
    return (await Promise.race([answer, ended])).trim();
  } finally {
    reader.close();
  }
};

const INPUT_BYTES_MAX = 4 * 1024 * 1024;

/** All of standard input as text. */
export const readAllInput = async ({ stdin }: Io): Promise<string> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin as AsyncIterable<Buffer | string>) {
    const buffer = Buffer.from(chunk);
    bytes += buffer.length;
    if (bytes > INPUT_BYTES_MAX) {
      throw new CliError(EXIT.usage, 'usage', 'more than 4 MiB came on standard input');
    }
    chunks.push(buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
};
