import { openShiplogClient, type ShiplogClient } from '@shiplog/api-client';
import type { Io } from '../io.js';

interface Place {
  readonly url: string;
  readonly token: string;
}

/** A client of one place, which gives up when the person does. */
export const openClient = (io: Io, { url, token }: Place): Promise<ShiplogClient> =>
  openShiplogClient({
    url,
    token,
    userAgent: `shiplog-cli/${io.version}`,
    signal: io.signal,
    ...(io.retry !== undefined && { retry: io.retry }),
  });
