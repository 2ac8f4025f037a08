import { randomUUID } from 'node:crypto';
import { isProven, renewAt, type CertificateState } from '@shiplog/domain';
import { startReconcileLoop, type RoundResult } from '@shiplog/reconcile';
import {
  describeError,
  onOwnAccount,
  type ProcessContext,
  type RunningProcess,
} from '@shiplog/runtime';
import type { CertificateStore } from '@shiplog/secrets';
import { parseCertificate } from '../certificates/parse-certificate.js';
import { domainIdOf } from '../process-managers/index.js';
import { HOOK_PATIENCE_MS } from './dns-hook.js';
import { AuthorityError, type Authority } from './authority.port.js';
import { forsaken, planIssuing, retryAfterMs, wantedOrders, type Order } from './plan.js';

/** For all answers of the authority together: `AcmeAuthority` gives up each within three minutes. */
const ANSWER_PATIENCE_MS = 10 * 60_000;
/** Longer than an order takes, both calls of the hook included; whoever died with one open is overtaken after that. */
const LEASE_MS = 2 * HOOK_PATIENCE_MS + ANSWER_PATIENCE_MS;
const RESYNC_MS = 60_000;
/** What the log does not name by then was left by a crash. */
const SWEEP_AFTER_MS = 60 * 60_000;

export interface IssuerOptions {
  readonly context: Pick<
    ProcessContext,
    'config' | 'world' | 'feed' | 'logger' | 'commands' | 'actor'
  >;
  readonly authority: Authority;
  readonly certificates: CertificateStore;
  readonly now?: () => number;
}

const NUDGES: ReadonlySet<string> = new Set([
  ...['AppCreated', 'DomainAdded', 'DomainLookedUp', 'CertificateRemoved'],
]);

/**
 * Gets and renews the certificates of a public platform, one at a time. Who may ask the authority is decided
 * by the log: the order is appended before, and refused while another one is open.
 */
export const startIssuer = (options: IssuerOptions): RunningProcess => {
  const { feed, logger } = options.context;
  const loop = startReconcileLoop({
    name: 'issuer',
    resyncMs: RESYNC_MS,
    round: issuerRound(options),
    onError: (error) => logger.error({ error: describeError(error) }, 'issuer-round'),
  });
  const unsubscribe = feed.onBatch((batch) => {
    if (batch.some(({ commit }) => commit.events.some(({ type }) => NUDGES.has(type))))
      loop.nudge();
  });
  return {
    stop: async () => {
      unsubscribe();
      await loop.stop();
    },
  };
};

/** One order, if one is due; then the next round is due at once. */
export const issuerRound = (options: IssuerOptions) => async (): Promise<RoundResult> => {
  const { context, certificates, now = Date.now } = options;
  const { world, feed } = context;
  await feed.catchUp();
  const stateOf = (domain: string): CertificateState =>
    world.get('certificate', domainIdOf(domain)).state;
  const all = [...world.all('certificate')];
  const gone = forsaken(
    { all, nowMs: now() },
    { domain: context.config.domain, hosts: hostsOf(context) },
  );
  if (gone.length > 0) {
    for (const domain of gone) await remove(domain, context);
    return { nextRoundInMs: 0 };
  }
  const { order, nextAtMs } = planIssuing(wantedOf(context), stateOf, { nowMs: now(), all });
  if (order !== undefined) {
    await carryOut(order, options);
    return { nextRoundInMs: 0 };
  }
  const named = new Set(
    all.flatMap((state) =>
      state.status === 'known' && state.certificate !== null ? [state.certificate.fingerprint] : [],
    ),
  );
  await certificates.sweep((one) => named.has(one), now() - SWEEP_AFTER_MS);
  return nextAtMs === undefined ? {} : { nextRoundInMs: Math.max(1_000, nextAtMs - now()) };
};

/** Nobody serves it any more; its key goes with the next sweep. */
const remove = async (domain: string, context: IssuerOptions['context']): Promise<void> => {
  const command = { type: 'RemoveCertificate', domain } as const;
  await context.commands.handle('certificate', domainIdOf(domain), command, onOwnAccount(context));
  context.logger.info({ domain }, 'certificate-given-up');
};

const wantedOf = (context: IssuerOptions['context']): readonly Order[] => {
  const { domain, acme } = context.config;
  // What is not proven is not answered for either: an order would be refused, and count with the authority.
  const isAnswered = (one: string): boolean => {
    const { state } = context.world.get('domain', domainIdOf(one));
    return state.status === 'free' || isProven(state);
  };
  const hosts = hostsOf(context, isAnswered);
  return wantedOrders({ domain, hosts, hasDnsHook: acme?.dnsHook !== undefined });
};

/** At which apps answer: that of their name, and of their domains those that are chosen. */
const hostsOf = (
  { config, world }: IssuerOptions['context'],
  isChosen: (domain: string) => boolean = () => true,
): ReadonlySet<string> => {
  const hosts = world
    .apps()
    .flatMap(({ name, domains }) => [`${name}.${config.domain}`, ...domains.filter(isChosen)]);
  // A domain may have a path behind its host.
  return new Set(hosts.map((one) => one.split('/')[0] ?? ''));
};

const carryOut = async (
  { domain, challenge }: Order,
  { context, authority, certificates, now = Date.now }: IssuerOptions,
): Promise<void> => {
  const { commands, logger, config } = context;
  const id = domainIdOf(domain);
  const account = onOwnAccount(context);
  const orderId = randomUUID();
  const ordered = await commands.handle(
    'certificate',
    id,
    {
      ...{ type: 'OrderCertificate', domain, orderId, challenge },
      directory: config.acme?.directory ?? '',
      at: new Date(now()).toISOString(),
      until: new Date(now() + LEASE_MS).toISOString(),
    },
    account,
  );
  if (ordered.outcome !== 'accepted') return;
  const attempt = ordered.events.find(({ type }) => type === 'CertificateOrdered')?.data;
  logger.info({ domain, challenge }, 'certificate-ordered');
  try {
    const { chain, privateKey } = await authority.issue({ domain, challenge });
    const { facts, stored } = parseCertificate({
      ...{ domain, chain, privateKey, source: 'acme', nowMs: now() },
    });
    if (renewAt(facts) <= now()) {
      throw new Error(
        `the new certificate ends ${facts.notAfter}, and would have to be renewed already: is the clock of this machine right?`,
      );
    }
    await certificates.save(facts.fingerprint, stored);
    const issued = { type: 'RecordIssued', domain, orderId, certificate: facts } as const;
    await commands.handle('certificate', id, issued, account);
    logger.info({ domain, notAfter: facts.notAfter }, 'certificate-issued');
  } catch (error) {
    const code = error instanceof AuthorityError ? error.code : 'unusable';
    const count = attempt !== undefined && 'attempt' in attempt ? attempt.attempt : 1;
    const retryAt = new Date(now() + retryAfterMs(count, code)).toISOString();
    const summary = error instanceof Error ? error.message.slice(0, 2000) : 'no reason known';
    const failed = { type: 'RecordFailed', domain, orderId, code, summary, retryAt } as const;
    await commands.handle('certificate', id, failed, account);
    logger.error({ domain, code, retryAt, error: describeError(error) }, 'certificate-failed');
  }
};
