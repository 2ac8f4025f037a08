import { AGGREGATES, WRITER_OF, type ProcessName } from '@shiplog/events';
import { HINT_SUBJECTS, LOG_STREAM } from '@shiplog/events/jetstream';
import { inboxPrefixOf, type NatsUser } from '@shiplog/runtime';

export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** Processes that read the log and write facts or intent. */
export const WORKERS: readonly ProcessName[] = [
  'api',
  'builder',
  'deployer',
  'router-sync',
  'gc',
  'monitor-agent',
  'backup',
];

export const NATS_USERS: readonly NatsUser[] = [...WORKERS, 'provisioner', 'system'];

/** The question that proves how durable the server is. */
export const JETSTREAM_QUESTION = '$SYS.REQ.SERVER.PING.JSZ';
/** Tells whether every stream takes writes: one that met a full disk takes none until a restart. */
export const HEALTH_QUESTION = '$SYS.REQ.SERVER.PING.HEALTHZ';

export const IMPORTER_INBOX = '_INBOX_importer';

/**
 * The only user who may write every stream of the log. It exists while a log is imported, on a server that
 * lets nobody else in, with a key that is in no file (docs/decisions/0006).
 */
export const IMPORTER: Permissions = {
  publish: ['log.>', `$JS.API.DIRECT.GET.${LOG_STREAM}`, `$JS.API.STREAM.MSG.GET.${LOG_STREAM}`],
  subscribe: [`${IMPORTER_INBOX}.>`],
};

const CANARY_TRAFFIC = 'tel.router-sync.traffic';

/** What a user may do. Nothing else: nats-server refuses what is not named here. */
export const permissionsOf = (user: NatsUser): Permissions => {
  const inbox = `${inboxPrefixOf(user)}.>`;
  if (user === 'system')
    return { publish: [JETSTREAM_QUESTION, HEALTH_QUESTION], subscribe: [inbox] };
  if (user === 'provisioner') return { publish: ['$JS.API.>'], subscribe: [inbox] };
  const isApi = user === 'api';
  return {
    publish: [
      ...AGGREGATES.filter((aggregate) => WRITER_OF[aggregate] === user).map((a) => `log.${a}.>`),
      `tel.${user}.>`,
      // A batch is asked for on the bare subject, the last message of a subject below it.
      `$JS.API.DIRECT.GET.${LOG_STREAM}`,
      `$JS.API.DIRECT.GET.${LOG_STREAM}.>`,
      `$JS.API.STREAM.MSG.GET.${LOG_STREAM}`,
      // Only the api asks, and so only it hears answers, frames and telemetry …
      ...(isApi ? ['rpc.>'] : []),
      // … but for what runs in an instance before its volume is backed up.
      ...(user === 'backup' ? ['rpc.deployer.backup-hook'] : []),
    ],
    subscribe: [
      HINT_SUBJECTS,
      `rpc.${user}.>`,
      inbox,
      ...(isApi ? ['tel.>'] : []),
      // Whoever judges a canary hears what the routers count, and nothing else of them.
      ...(user === 'deployer' ? [CANARY_TRAFFIC] : []),
      ...(user === 'backup' ? ['tel.deployer.reply.*'] : []),
    ],
  };
};
