import { LOG_STREAM } from '@shiplog/events/jetstream';

/**
 * Every request that nats-server 2.15 takes, as its own program names them (a test compares the two).
 * `S` stands for a stream and `C` for a consumer, a peer or a server.
 */
const REQUESTS = [
  'INFO',
  'ACCOUNT.PURGE.C',
  'ACCOUNT.STREAM.CANCEL',
  'ACCOUNT.STREAM.MOVE.C.S',
  'CONSUMER.CREATE.S',
  'CONSUMER.CREATE.S.C',
  'CONSUMER.CREATE.S.C.log.app.x1',
  'CONSUMER.DELETE.S.C',
  'CONSUMER.DURABLE.CREATE.S.C',
  'CONSUMER.INFO.S.C',
  'CONSUMER.LEADER.STEPDOWN.S.C',
  'CONSUMER.LIST.S',
  'CONSUMER.MSG.NEXT.S.C',
  'CONSUMER.NAMES.S',
  'CONSUMER.PAUSE.S.C',
  'CONSUMER.PEER.EVACUATE.S.C',
  'CONSUMER.PEER.REMOVE.S.C',
  'CONSUMER.RESET.S.C',
  'CONSUMER.UNPIN.S.C',
  'DIRECT.GET.S',
  'DIRECT.GET.S.log.app.x1',
  'META.LEADER.STEPDOWN',
  'META.RESCUE',
  'SERVER.EVACUATE',
  'SERVER.REMOVE',
  'STREAM.CANCEL',
  'STREAM.CREATE.S',
  'STREAM.DELETE.S',
  'STREAM.INFO.S',
  'STREAM.LEADER.STEPDOWN.S',
  'STREAM.LIST',
  'STREAM.MSG.DELETE.S',
  'STREAM.MSG.GET.S',
  'STREAM.NAMES',
  'STREAM.PEER.EVACUATE.S',
  'STREAM.PEER.REMOVE.S',
  'STREAM.PURGE.S',
  'STREAM.RESTORE.S',
  'STREAM.SNAPSHOT.S',
  'STREAM.UPDATE.S',
] as const;

const subjectOf = (request: string, stream: string): string =>
  `$JS.API.${request.replace(/\bS\b/, stream).replace(/\bC\b/, 'c1')}`;

/** Each request about the log, and each about another stream. */
export const JETSTREAM_SUBJECTS: readonly string[] = [
  ...new Set(
    REQUESTS.flatMap((request) => [LOG_STREAM, 'OTHER'].map((s) => subjectOf(request, s))),
  ),
];

/** The names of requests in the text of a program; others may follow them without a gap there. */
const IN_PROGRAM = /\$JS\.API\.((?:[A-Z]{3,}\.)*[A-Z]{3,})/g;

/** What a program of nats-server knows and this list does not: a new version may have grown. */
export const unknownRequestsOf = (program: Buffer): readonly string[] => {
  const known = REQUESTS.map((request) => request.replace(/\.(S|C)\b.*$/, ''));
  const found = [...program.toString('latin1').matchAll(IN_PROGRAM)].map((match) => match[1] ?? '');
  const isKnown = (name: string): boolean =>
    known.some((one) => name.startsWith(one) || one.startsWith(`${name}.`));
  return [...new Set(found)].filter((name) => !isKnown(name));
};
