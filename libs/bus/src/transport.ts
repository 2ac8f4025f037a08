/** One message as a bus gets it from below. */
export interface TransportMessage {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly reply: string | undefined;
  /** The other end says that nobody listens where we published. */
  readonly isNoResponders: boolean;
}

/**
 * What a bus needs from below: subjects with `*` and `>`, order per publisher, at most once. Subscribing
 * takes effect before anything that this end publishes later is delivered.
 */
export interface Transport {
  publish(subject: string, payload: Uint8Array, reply?: string): void;
  subscribe(pattern: string, handler: (message: TransportMessage) => void): () => void;
  close(): Promise<void>;
}
