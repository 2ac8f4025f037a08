import type { CommandContext, CommandResult } from '@shiplog/commands';
import { conflictsWith, KEYS_ID } from '@shiplog/domain';
import type { Aggregate, StreamName } from '@shiplog/events';
import type { EventLog } from '@shiplog/events/log';
import { faultPoint, onOwnAccount, type ProcessContext } from '@shiplog/runtime';
import { demandedProof } from '../domains/demanded-proof.js';
import { heldDomains } from '../domains/held-domains.js';
import { domainIdOf } from './domain-id.js';
import { dropBroughtCertificate } from './drop-certificate.js';
import type { Action } from './plan.js';

export interface Effects {
  readonly context: Pick<
    ProcessContext,
    'commands' | 'actor' | 'log' | 'logger' | 'config' | 'world'
  >;
  /** Milliseconds of the wall clock. Default `Date.now`. */
  readonly now?: () => number;
  /** Ids of apps of which something is kept outside the log. */
  readonly keptApps: () => Promise<readonly string[]>;
  /** Removes what is kept of an app outside the log. On repetition nothing happens. */
  readonly forgetApp: (appId: string) => Promise<void>;
  /** Answers how many keys the new master key wraps. On repetition nothing happens. */
  readonly rotateMasterKey: (keyId: string) => Promise<number>;
  /** Deletes the keys that a person had before that erasure. On repetition nothing happens. */
  readonly forgetPerson: (userId: string, erasures: number) => Promise<void>;
}

/**
 * Carries one action out. Any number of api processes may do so at once: the log lets one of them
 * win, and to the others it has happened already.
 */
export const apply = async (action: Action, effects: Effects): Promise<void> => {
  const { commands, logger } = effects.context;
  const own = onOwnAccount(effects.context);
  switch (action.kind) {
    case 'create-release': {
      faultPoint('api/before-create-release');
      const created = await createRelease(action, effects);
      faultPoint('api/after-create-release');
      return note(effects, action, created);
    }
    case 'create-app': {
      const { appId, name, teamId } = action;
      // Who reserved the name wanted the app.
      const asked = await askedBy(effects.context.log, `name.${name}`, own);
      const command = { type: 'CreateApp', appId, name, teamId } as const;
      return note(effects, action, await commands.handle('app', appId, command, asked));
    }
    case 'release-name': {
      const command = { type: 'ReleaseName', appId: action.appId } as const;
      const cause = await causedBy(effects.context.log, `app.${action.appId}`, own);
      const host = `${action.name}.${effects.context.config.domain}`;
      await dropBroughtCertificate(effects.context, host, cause);
      return note(effects, action, await commands.handle('name', action.name, command, cause));
    }
    case 'release-domain': {
      const command = { type: 'ReleaseDomain', appId: action.appId } as const;
      const id = domainIdOf(action.host);
      const cause = await causedBy(effects.context.log, `app.${action.appId}`, own);
      await dropBroughtCertificate(effects.context, action.host, cause);
      return note(effects, action, await commands.handle('domain', id, command, cause));
    }
    case 'reserve-domain': {
      const { appId, host, teamId } = action;
      const { context, now = Date.now } = effects;
      // Where nobody proves anything, whoever was faster has it, and all that a wildcard stands for.
      const [faster] = context.config.domainChecks.areDemanded
        ? []
        : conflictsWith(host, teamId, heldDomains(context.world));
      if (faster !== undefined) {
        const other = `domain.${domainIdOf(faster.host)}` as const;
        const lost = await causedBy(context.log, other, own);
        const remove = { type: 'RemoveDomain', host } as const;
        return note(effects, action, await commands.handle('app', appId, remove, lost));
      }
      // Whoever removes and adds a domain at once comes here: that must not be a way around the proof.
      const proof = demandedProof(context.config, now());
      const command = { type: 'ReserveDomain', host, appId, teamId, ...proof } as const;
      const id = domainIdOf(host);
      const cause = await causedBy(effects.context.log, `app.${appId}`, own);
      return note(effects, action, await commands.handle('domain', id, command, cause));
    }
    case 'remove-domain': {
      const command = { type: 'RemoveDomain', host: action.host } as const;
      const other = `domain.${domainIdOf(action.host)}` as const;
      const cause = await causedBy(effects.context.log, other, own);
      return note(effects, action, await commands.handle('app', action.appId, command, cause));
    }
    case 'release-port':
    case 'reserve-port':
    case 'remove-port':
      return applyToPort(action, effects);
    case 'revoke-token': {
      const cause = await causedBy(effects.context.log, `app.${action.appId}`, own);
      const command = { type: 'RevokeToken' } as const;
      return note(effects, action, await commands.handle('token', action.tokenId, command, cause));
    }
    case 'rotate-master-key': {
      const { keyId, previousKeyId } = action;
      const keys = await effects.rotateMasterKey(keyId);
      faultPoint('api/master-key-rotated');
      const asked = await askedBy(effects.context.log, `keys.${KEYS_ID}`, own);
      const command = { type: 'RecordRotation', keyId, previousKeyId, keys } as const;
      return note(effects, action, await commands.handle('keys', KEYS_ID, command, asked));
    }
    case 'forget-app':
      faultPoint('api/before-forget-app');
      await effects.forgetApp(action.appId);
      logger.info({ appId: action.appId }, 'app-forgotten');
      return;
    case 'forget-person':
      await effects.forgetPerson(action.userId, action.erasures);
      logger.info({ userId: action.userId }, 'person-erased');
      return;
  }
};

/** As for domains. */
const applyToPort = async (
  action: Extract<Action, { kind: 'release-port' | 'reserve-port' | 'remove-port' }>,
  effects: Effects,
): Promise<void> => {
  const { commands, log } = effects.context;
  const own = onOwnAccount(effects.context);
  const { appId, port } = action;
  const id = String(port);
  if (action.kind === 'remove-port') {
    const cause = await causedBy(log, `port.${port}`, own);
    const remove = { type: 'RemovePort', port } as const;
    return note(effects, action, await commands.handle('app', appId, remove, cause));
  }
  const cause = await causedBy(log, `app.${appId}`, own);
  const command =
    action.kind === 'release-port'
      ? ({ type: 'ReleasePort', appId } as const)
      : ({ type: 'ReservePort', port, appId, teamId: action.teamId } as const);
  return note(effects, action, await commands.handle('port', id, command, cause));
};

/** In the name of who requested the build: the release is theirs, this process only carries it on. */
const createRelease = (
  action: Extract<Action, { kind: 'create-release' }>,
  { context }: Effects,
): Promise<CommandResult<'app'>> => {
  const { request, build, cause, liveVersion, revision } = action;
  const { actor, reason, correlation, endedBy } = request;
  return context.commands.handle(
    'app',
    request.appId,
    {
      type: 'CreateRelease',
      image: build.image,
      buildId: request.buildId,
      processes: build.processes,
      cause,
      liveVersion,
    },
    { actor, reason, correlation, causation: endedBy, expectedRevision: revision },
  );
};

/** In the name of who made the newest commit of the stream. */
const askedBy = async (
  log: EventLog,
  stream: StreamName,
  otherwise: CommandContext,
): Promise<CommandContext> => {
  const commit = (await log.read(stream)).at(-1)?.commit;
  if (commit === undefined) return otherwise;
  const { actor, reason, correlation, id } = commit;
  return { actor, reason, correlation, causation: id };
};

/** On the own account, because of the newest commit of the stream. */
const causedBy = async (
  log: EventLog,
  stream: StreamName,
  own: CommandContext,
): Promise<CommandContext> => {
  const { correlation, causation } = await askedBy(log, stream, own);
  return { ...own, correlation, causation };
};

/** A refusal is news for the operator; a conflict is not: the next round decides again. */
const note = <A extends Aggregate>(
  { context: { logger } }: Effects,
  action: Action,
  result: CommandResult<A>,
): void => {
  if (result.outcome === 'rejected') {
    logger.warn({ action: action.kind, rejection: result.rejection }, 'follow-up-refused');
  } else if (result.outcome === 'accepted' && result.events.length > 0) {
    logger.info({ action: action.kind, position: result.position }, 'follow-up-done');
  }
};
