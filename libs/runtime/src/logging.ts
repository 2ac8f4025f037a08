import { pino, type Logger } from 'pino';

export type { Logger } from 'pino';

/** JSON lines on stderr: a stable event name as message, everything else as fields. */
export const createLogger = (level: string): Logger =>
  pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
