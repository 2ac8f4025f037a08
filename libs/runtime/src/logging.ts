import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

/** JSON lines: a stable event name as message, everything else as fields. To stderr unless told otherwise. */
export const createLogger = (
  level: string,
  destination: DestinationStream = pino.destination(2),
): Logger =>
  pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime }, destination);
