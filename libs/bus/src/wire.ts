import type { Frame } from './bus.port.js';

/** What an error looks like between two processes. */
export interface WireError {
  readonly code: string;
  readonly message: string;
}

/** Messages of a session. `n` counts them per direction, so that a lost one is noticed. */
export type SessionMessage =
  | { readonly t: 'accept'; readonly n: number }
  | { readonly t: 'beat'; readonly n: number }
  | { readonly t: 'end'; readonly n: number; readonly error?: WireError }
  | { readonly t: 'frame'; readonly n: number; readonly frame: Frame };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const encodeJson = (value: unknown): Uint8Array =>
  encoder.encode(JSON.stringify(value ?? null));

export const decodeJson = (payload: Uint8Array): unknown => JSON.parse(decoder.decode(payload));

/** Four bytes with the length of the JSON head, the head, then the bytes as they are. */
export const encodeMessage = (message: SessionMessage): Uint8Array => {
  const bytes = message.t === 'frame' ? message.frame.bytes : undefined;
  const head = encodeJson(
    message.t === 'frame'
      ? {
          t: 'frame',
          n: message.n,
          frame: { kind: message.frame.kind, head: message.frame.head },
          hasBytes: bytes !== undefined,
        }
      : message,
  );
  const payload = new Uint8Array(4 + head.length + (bytes?.length ?? 0));
  new DataView(payload.buffer).setUint32(0, head.length);
  payload.set(head, 4);
  if (bytes !== undefined) payload.set(bytes, 4 + head.length);
  return payload;
};

export const decodeMessage = (payload: Uint8Array): SessionMessage => {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const headEnd = 4 + view.getUint32(0);
  const head = decodeJson(payload.subarray(4, headEnd)) as SessionMessage & { hasBytes?: boolean };
  if (head.t !== 'frame' || head.hasBytes !== true) return head;
  // A copy, and no Buffer: a view would keep everything alive that came with it from the socket.
  const bytes = new Uint8Array(payload.subarray(headEnd));
  return { t: 'frame', n: head.n, frame: { ...head.frame, bytes } };
};

export const toWireError = (error: unknown): WireError => {
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return { code: typeof code === 'string' ? code : 'failed', message };
};
