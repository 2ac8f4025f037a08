import type { CommandContext } from '@shiplog/commands';
import { hostOfDomain } from '@shiplog/events';
import type { ProcessContext } from '@shiplog/runtime';
import { domainIdOf } from './domain-id.js';

/**
 * A certificate that somebody brought goes with the name, before that is given back: whoever gets the name next must
 * not be served by a key that others have. On repetition, and while an app answers at the host, nothing happens.
 */
export const dropBroughtCertificate = async (
  { world, commands }: Pick<ProcessContext, 'world' | 'commands'>,
  domain: string,
  context: CommandContext,
): Promise<void> => {
  const host = hostOfDomain(domain);
  const id = domainIdOf(host);
  const { state } = world.get('certificate', id);
  if (state.status !== 'known' || state.certificate?.source !== 'own') return;
  const isHeld = world
    .apps()
    .some(({ domains }) => domains.some((other) => hostOfDomain(other) === host));
  if (isHeld) return;
  await commands.handle('certificate', id, { type: 'RemoveCertificate', domain: host }, context);
};
