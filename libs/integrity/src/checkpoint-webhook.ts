import { readFile } from 'node:fs/promises';
import { Webhook } from 'standardwebhooks';
import { sealedLine, type Sealed } from './checkpoint.js';
import type { CheckpointStore } from './checkpoint-store.js';
import { replaceText } from './replace-text.js';

export interface WebhookParts {
  readonly url: string;
  /** `whsec_…`: what the receiver checks the signature with. */
  readonly secret: string;
  /** Remembers what was delivered: the receiver is never asked. */
  readonly deliveredFile: string;
}

const TIMEOUT_MS = 10_000;

/** Somebody elsewhere who is told of every checkpoint, signed as Standard Webhooks are. */
export class CheckpointWebhook implements CheckpointStore {
  readonly name: string;

  constructor(private readonly parts: WebhookParts) {
    // Of an address only where it is: what follows may be a password.
    this.name = new URL(parts.url).origin;
  }

  /** Only the number is known of it; that is all that is asked for. */
  async newest(): Promise<Sealed | undefined> {
    try {
      return JSON.parse(await readFile(this.parts.deliveredFile, 'utf8')) as Sealed;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  after(): Promise<readonly Sealed[]> {
    return Promise.resolve([]);
  }

  async put(sealed: readonly Sealed[]): Promise<void> {
    for (const one of sealed) {
      await this.send(one);
      const { checkpoint } = one;
      await replaceText(this.parts.deliveredFile, JSON.stringify({ checkpoint, leaves: '' }));
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private async send(sealed: Sealed): Promise<void> {
    const { url, secret } = this.parts;
    const id = `checkpoint-${sealed.checkpoint.platform}-${sealed.checkpoint.number}`;
    const at = new Date();
    const body = sealedLine(sealed);
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        'webhook-signature': new Webhook(secret).sign(id, at, body),
      },
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`it answered ${response.status}`);
  }
}
