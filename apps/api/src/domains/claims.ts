import type { CommandContext } from '@shiplog/commands';
import { conflictsWith, type HeldDomain, type DomainLook } from '@shiplog/domain';
import { hostOfDomain, type Position } from '@shiplog/events';
import type { ProcessContext } from '@shiplog/runtime';
import type { Changes } from '../changes/changes.js';
import type { AppIdentity } from '../http/door.js';
import { Problem } from '../http/problem.js';
import { domainIdOf } from '../process-managers/index.js';
import { demandedProof } from './demanded-proof.js';
import { heldDomains } from './held-domains.js';
import type { Ownership } from './ownership.js';

/** Who may have a domain, over all teams. */
export class Claims {
  constructor(
    private readonly api: Pick<ProcessContext, 'world' | 'config' | 'commands'>,
    private readonly changes: Changes,
    private readonly ownership: Ownership,
    private readonly now: () => Date,
  ) {}

  /** True when the app did not have it before. Throws where it is somebody else's. */
  async reserve(host: string, app: AppIdentity, context: CommandContext): Promise<boolean> {
    const { appId, teamId } = app;
    const id = domainIdOf(host);
    await this.freeOfDestroyedApp(id, context);
    const { areDemanded } = this.api.config.domainChecks;
    const held = this.api.world.get('domain', id).state;
    if (held.status === 'reserved' && held.appId === appId) return false;
    const others = this.conflicts(host, teamId);
    const look = areDemanded ? await this.ownership.look(host, teamId, this.now()) : undefined;
    if (others.length > 0) await this.takeFrom(others, { host, teamId, look }, context);
    const proof = demandedProof(this.api.config, this.now().getTime());
    const command = { type: 'ReserveDomain', host, appId, teamId, ...proof } as const;
    const reserved = await this.changes.make('domain', id, command, context);
    // Whoever was faster is in the log before: of two that reserve at once, one at least sees the other.
    const [faster] = this.conflicts(host, teamId);
    if (faster !== undefined) {
      await this.changes.make('domain', id, { type: 'ReleaseDomain', appId }, context);
      throw taken(host, faster.host, 'Somebody else took it in the same moment.');
    }
    if (look !== undefined) await this.record(id, appId, look, context);
    return reserved.events.length > 0;
  }

  /** Looks, and writes down what was found where that is anything new. */
  async check(
    host: string,
    app: AppIdentity,
    context: CommandContext,
  ): Promise<{ position: Position; look: DomainLook }> {
    const { outcome, reason, at } = await this.ownership.look(host, app.teamId, this.now());
    const look = { outcome, reason, at };
    const { world } = this.api;
    const { state } = world.get('domain', domainIdOf(host));
    const last = state.status === 'reserved' ? state.proof?.lastLook : undefined;
    if (last?.outcome === outcome && last.reason === reason) {
      return { position: world.position, look };
    }
    return { position: await this.record(domainIdOf(host), app.appId, look, context), look };
  }

  private async record(
    id: string,
    appId: string,
    { outcome, reason, at }: DomainLook,
    context: CommandContext,
  ): Promise<Position> {
    const command = { type: 'RecordDomainLook', appId, look: { outcome, reason, at } } as const;
    return (await this.changes.make('domain', id, command, context)).position;
  }

  private conflicts(host: string, teamId: string): readonly HeldDomain[] {
    return conflictsWith(host, teamId, heldDomains(this.api.world));
  }

  /** Who proves that a name is theirs takes it from whoever does not. */
  private async takeFrom(
    others: readonly HeldDomain[],
    claim: { host: string; teamId: string; look: DomainLook | undefined },
    context: CommandContext,
  ): Promise<void> {
    const { host, teamId, look } = claim;
    const [first] = others;
    if (look === undefined) {
      throw taken(host, first?.host ?? host, 'Ask its team to remove it, or take another one.');
    }
    if (look.outcome !== 'verified') {
      const { name, value } = this.ownership.recordOf(host, teamId);
      throw taken(
        host,
        first?.host ?? host,
        `If it is yours, put a TXT record at ${name} with the value ${value} and add it again (now: ${look.reason}).`,
      );
    }
    for (const other of others) {
      const theirs = await this.ownership.look(other.host, other.teamId, this.now());
      if (theirs.outcome === 'verified') {
        throw taken(
          host,
          other.host,
          'They prove that it is theirs, too: remove their TXT record.',
        );
      }
      if (!theirs.isKnown) {
        throw taken(host, other.host, `Whether it is theirs cannot be told: ${theirs.reason}.`);
      }
    }
    for (const { host: theirs, appId } of others) {
      const plain = { ...context, reason: `${host} was proven to be of another team` };
      const remove = { type: 'RemoveDomain', host: theirs } as const;
      // Past the gate of their app: it has no say in whose the name is.
      await this.api.commands.handle('app', appId, remove, plain);
      const release = { type: 'ReleaseDomain', appId } as const;
      await this.changes.make('domain', domainIdOf(theirs), release, plain);
      await this.dropCertificate(hostOfDomain(theirs), plain);
    }
  }

  /** Its private key is with who lost the name; where there is none, there is nothing to remove. */
  private async dropCertificate(domain: string, context: CommandContext): Promise<void> {
    const remove = { type: 'RemoveCertificate', domain } as const;
    await this.api.commands.handle('certificate', domainIdOf(domain), remove, context);
  }

  private async freeOfDestroyedApp(id: string, context: CommandContext): Promise<void> {
    const { state } = this.api.world.get('domain', id);
    if (state.status !== 'reserved') return;
    const { appId } = state;
    if (this.api.world.get('app', appId).state.status !== 'destroyed') return;
    await this.changes.make('domain', id, { type: 'ReleaseDomain', appId }, context);
  }
}

const taken = (host: string, theirs: string, advice: string): Problem =>
  new Problem(
    'domain-taken',
    host === theirs
      ? `The domain ${host} belongs to another team. ${advice}`
      : `${host} answers for hosts of ${theirs}, which belongs to another team. ${advice}`,
    { members: { host, conflictsWith: theirs } },
  );
