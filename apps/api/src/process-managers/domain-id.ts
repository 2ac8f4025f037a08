import { createHash } from 'node:crypto';

/** A domain's stream: hosts have dots, stream ids have none. */
export const domainIdOf = (host: string): string => createHash('sha256').update(host).digest('hex');
