import { proofStep } from '@shiplog/domain';
import { startReconcileLoop } from '@shiplog/reconcile';
import {
  describeError,
  onOwnAccount,
  type ProcessContext,
  type RunningProcess,
} from '@shiplog/runtime';
import { domainIdOf } from '../process-managers/index.js';
import type { Ownership } from './ownership.js';

const EVERY_MS = 30_000;

export interface DomainCheckParts {
  readonly context: Pick<ProcessContext, 'world' | 'commands' | 'actor' | 'logger' | 'feed'>;
  readonly ownership: Ownership;
  readonly now: () => Date;
}

/** Looks for the proofs that are still missing, and gives up what was not proven in time. */
export const checkDomains = async ({
  context,
  ownership,
  now,
}: DomainCheckParts): Promise<void> => {
  const { world, commands, feed, logger } = context;
  const own = onOwnAccount(context);
  await feed.catchUp();
  for (const state of [...world.all('domain')]) {
    if (state.status !== 'reserved') continue;
    const { host, appId, teamId } = state;
    const id = domainIdOf(host);
    switch (proofStep(state, now().getTime())) {
      case 'wait':
        continue;
      case 'look': {
        const { outcome, reason, at } = await ownership.look(host, teamId, now());
        const command = { type: 'RecordDomainLook', appId, look: { outcome, reason, at } } as const;
        await commands.handle('domain', id, command, own);
        logger.info({ host, outcome, reason }, 'domain-looked-up');
        continue;
      }
      case 'lapse': {
        // Nobody may have looked for long, and where DNS is silent nobody loses anything.
        const look = await ownership.look(host, teamId, now());
        if (look.outcome === 'verified') {
          const { outcome, reason, at } = look;
          const seen = { type: 'RecordDomainLook', appId, look: { outcome, reason, at } } as const;
          await commands.handle('domain', id, seen, own);
          continue;
        }
        if (!look.isKnown) {
          logger.warn({ host, reason: look.reason }, 'domain-not-given-up');
          continue;
        }
        const because = { ...own, reason: `${host} was not proven in time` };
        await commands.handle('app', appId, { type: 'RemoveDomain', host }, because);
        await commands.handle('domain', id, { type: 'ReleaseDomain', appId }, because);
        logger.info({ host, appId }, 'domain-lapsed');
      }
    }
  }
};

export const startDomainChecks = (parts: DomainCheckParts): RunningProcess =>
  startReconcileLoop({
    name: 'domain-checks',
    resyncMs: EVERY_MS,
    round: () => checkDomains(parts).then(() => undefined),
    onError: (error) => parts.context.logger.warn({ error: describeError(error) }, 'domain-checks'),
  });
