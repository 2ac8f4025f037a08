import { createConnection, type Socket } from 'node:net';
import { RouterError } from '../routes/router.port.js';

const TIMEOUT_MS = 5_000;
/** The longest that HAProxy knows: a stream on which nothing comes for long is no idle client. */
const STREAM_IDLE = '24d';
/** What ends the answer to every command of an interactive session. */
const PROMPT = '\n> ';
/** Answers that say a command was not carried out; others are remarks. */
const REFUSAL = /^(?:no such|unknown|permission|entry not found|invalid|.*\bcan't\b|.*failed)/im;

/**
 * The runtime API behind a stats socket: a unix path or `host:port`. One connection per batch of
 * commands, all sent at once: one round trip for a whole round of changes.
 */
export class HaproxyRuntime {
  constructor(readonly socket: string) {}

  /** The answers, one per command. Throws when one of them was refused. */
  async change(commands: readonly string[]): Promise<void> {
    const answers = await this.ask(commands);
    answers.forEach((answer, i) => {
      if (!REFUSAL.test(answer)) return;
      const said = answer.trim().slice(0, 300);
      throw new RouterError('router-refused', `haproxy refused "${commands[i]}": ${said}`);
    });
  }

  ask(commands: readonly string[]): Promise<string[]> {
    for (const command of commands) assertOneCommand(command);
    if (commands.length === 0) return Promise.resolve([]);
    // One prompt is the answer to `prompt`.
    return this.converse(`prompt\n${commands.join('\n')}\n`, commands.length + 1).then((received) =>
      received.split(PROMPT).slice(1, -1),
    );
  }

  /**
   * A command with what follows it: PEM, or a line of a list. `expected` is in the answer when it was
   * carried out. What is sent never stands in an error: it may be a private key.
   */
  async upload(command: string, payload: string, expected: RegExp): Promise<void> {
    assertOneCommand(command);
    if (!/^(?:[\x20-\x7e]+\n)*[\x20-\x7e]+$/.test(payload))
      throw new Error(`not the payload of "${command}": lines of ASCII, none of them empty`);
    const answer = await this.converse(`${command} <<\n${payload}\n\n`);
    if (expected.test(answer)) return;
    const said = answer.trim().slice(0, 300);
    throw new RouterError('router-refused', `haproxy refused "${command}": ${said}`);
  }

  /** One line to the master's socket, which answers until it closes. `@!<pid>` reaches one worker. */
  askMaster(line: string): Promise<string> {
    return this.converse(`${line}\n`);
  }

  /** A command whose answer goes on until it is closed, or HAProxy is. Answers how to close it. */
  stream(
    command: string,
    listener: { readonly onText: (text: string) => void; readonly onEnd: () => void },
  ): () => void {
    assertOneCommand(command);
    const connection = this.connect();
    connection.setEncoding('latin1');
    connection.on('data', (chunk: string) => listener.onText(chunk));
    connection.on('error', () => connection.destroy());
    connection.on('close', () => listener.onEnd());
    connection.write(`set timeout cli ${STREAM_IDLE};${command}\n`);
    return () => connection.destroy();
  }

  /** All that comes until so many prompts came; without a number, until it is closed. */
  private converse(text: string, prompts?: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const connection = this.connect();
      const chunks: string[] = [];
      let seen = 0;
      let end = '';
      const fail = (cause?: unknown): void => {
        connection.destroy();
        const message = `talking to haproxy at ${this.socket}`;
        reject(new RouterError('router-unreachable', message, { cause }));
      };
      connection.setEncoding('utf8').setTimeout(TIMEOUT_MS, () => fail(new Error('no answer')));
      connection.on('error', fail);
      connection.on('data', (chunk: string) => {
        chunks.push(chunk);
        if (prompts === undefined) return;
        // Each piece is looked at once: of ten thousand answers there are many.
        const text = end + chunk;
        seen += text.split(PROMPT).length - 1;
        end = text.slice(1 - PROMPT.length);
        if (seen < prompts) return;
        resolve(chunks.join(''));
        connection.destroy();
      });
      connection.on('close', () => {
        if (prompts === undefined) resolve(chunks.join(''));
        else fail(new Error('closed before it answered everything'));
      });
      connection.write(text);
      if (prompts === undefined) connection.end();
    });
  }

  private connect(): Socket {
    if (this.socket.startsWith('/')) return createConnection(this.socket);
    const at = this.socket.lastIndexOf(':');
    return createConnection(Number(this.socket.slice(at + 1)), this.socket.slice(0, at));
  }
}

/** What an expression found, as the value of a map: a backslash that is meant, and a digit. */
const GROUP = / \\\\\d$/;

/** What would begin a second command, or a payload, never leaves this process. */
const assertOneCommand = (command: string): void => {
  if (/[;\\<\u0000-\u001f\u007f]/.test(command.replace(GROUP, ''))) {
    throw new Error(`not one command of the runtime API: ${JSON.stringify(command)}`);
  }
};
