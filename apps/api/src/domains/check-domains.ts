import { proofStep, type DomainState } from '@shiplog/domain';
import { startReconcileLoop } from '@shiplog/reconcile';
import {
  describeError,
  onOwnAccount,
  type ProcessContext,
  type RunningProcess,
} from '@shiplog/runtime';
import { domainIdOf, dropBroughtCertificate } from '../process-managers/index.js';
import type { Ownership } from './ownership.js';

const EVERY_MS = 30_000;

export interface DomainCheckParts {
  readonly context: Pick<ProcessContext, 'world' | 'commands' | 'actor' | 'logger' | 'feed'>;
  readonly ownership: Ownership;
  readonly now: () => Date;
}

/** Domains that are looked for at once: a server that is silent holds up its own. */
const LOOKS_AT_ONCE = 16;

/** Looks for the proofs that are still missing, and gives up what was not proven in time. */
export const checkDomains = async (parts: DomainCheckParts): Promise<void> => {
  const { world, feed } = parts.context;
  await feed.catchUp();
  const nowMs = parts.now().getTime();
  const due = [...world.all('domain')].flatMap((state) =>
    state.status === 'reserved' && proofStep(state, nowMs) !== 'wait' ? [state] : [],
  );
  const work = due.values();
  const lane = async (): Promise<void> => {
    for (const state of work) await checkOne(state, parts);
  };
  const lanes = await Promise.allSettled(Array.from({ length: LOOKS_AT_ONCE }, lane));
  const failed = lanes.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
};

type Reserved = Extract<DomainState, { status: 'reserved' }>;

const checkOne = async (
  state: Reserved,
  { context, ownership, now }: DomainCheckParts,
): Promise<void> => {
  const { commands, logger } = context;
  const own = onOwnAccount(context);
  const { host, appId, teamId } = state;
  const id = domainIdOf(host);
  const { isKnown, outcome, reason, at } = await ownership.look(host, teamId, now());
  // Nobody may have looked for long, and where DNS is silent nobody loses anything.
  const isOver = proofStep(state, now().getTime()) === 'lapse';
  if (isOver && outcome !== 'verified' && !isKnown) {
    logger.warn({ host, reason }, 'domain-not-given-up');
    return;
  }
  if (!isOver || outcome === 'verified') {
    const command = { type: 'RecordDomainLook', appId, look: { outcome, reason, at } } as const;
    await commands.handle('domain', id, command, own);
    logger.info({ host, outcome, reason }, 'domain-looked-up');
    return;
  }
  const because = { ...own, reason: `${host} was not proven in time` };
  await commands.handle('app', appId, { type: 'RemoveDomain', host }, because);
  await dropBroughtCertificate(context, host, because);
  await commands.handle('domain', id, { type: 'ReleaseDomain', appId }, because);
  logger.info({ host, appId }, 'domain-lapsed');
};

export const startDomainChecks = (parts: DomainCheckParts): RunningProcess =>
  startReconcileLoop({
    name: 'domain-checks',
    resyncMs: EVERY_MS,
    round: () => checkDomains(parts).then(() => undefined),
    onError: (error) => parts.context.logger.warn({ error: describeError(error) }, 'domain-checks'),
  });
