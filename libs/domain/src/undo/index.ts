import { aggregateOf, type AppEvent, type DomainEventUnion } from '@shiplog/events';
import type { AppState } from '../app/index.js';
import type { StateByAggregate } from '../deciders.js';
import { appUndo } from './app.js';
import { undoFreeze } from './freezes.js';
import { undoBackupPolicy, undoGarbagePolicy } from './policies.js';
import { impossible, unneeded, type UndoProposal, type UndoQuestion } from './proposal.js';

export type {
  ChangedSince,
  UndoCommand,
  UndoFacts,
  UndoProposal,
  UndoQuestion,
} from './proposal.js';

type OtherEvent = Exclude<DomainEventUnion, AppEvent>;
type OtherUndo = {
  readonly [T in OtherEvent['type']]: (
    event: Extract<OtherEvent, { type: T }>,
    question: UndoQuestion<never>,
  ) => UndoProposal;
};

const always = (why: string, instead: string | null) => (): UndoProposal =>
  impossible(why, instead);

type Caused = Pick<UndoQuestion<never>, 'facts'>;

/** What a worker saw is so, whatever anybody wishes. */
const fact =
  (who: string) =>
  (_event: unknown, { facts: { cause } }: Caused): UndoProposal =>
    impossible(
      `This is what ${who} observed: it happened.`,
      `Take back the change that caused it${cause === null ? '; shiplog events shows it.' : `: shiplog undo ${cause}`}`,
    );
const partOf =
  (what: string) =>
  (_event: unknown, { facts: { cause } }: Caused): UndoProposal =>
    impossible(
      `This belongs to ${what}.`,
      `Take back ${what}${cause === null ? '; shiplog events shows it.' : `: shiplog undo ${cause}`}`,
    );
const people = always(
  'People and teams cannot be taken away yet.',
  'Revoke the tokens of the person: shiplog tokens list',
);
const noted = (what: string) => always(`This notes ${what}, and changed nothing.`, null);
const masterKey = always(
  'A master key that was replaced is forgotten, or old backups of it would open secrets.',
  'Replace the new one, if it may be in wrong hands: shiplog keys rotate',
);

/** How each kind of change of the rest is taken back. A new event type does not compile without a row here or in `app.ts`. */
const otherUndo: OtherUndo = {
  TokenCreated: ({ data: { tokenId, name } }, { now }) =>
    (now as StateByAggregate['token']).status === 'revoked'
      ? unneeded('The token was revoked since.')
      : {
          outcome: 'possible',
          command: { aggregate: 'token', id: tokenId, command: { type: 'RevokeToken' } },
          commandLines: [`shiplog tokens revoke ${tokenId}`],
          restores: [`The token ${name} does not work any more.`],
          causes: ['Whoever uses it is signed out at once, for good.'],
          leaves: [],
          overwrites: [],
          settles: false,
        },
  TokenRevoked: always(
    'A token that was revoked may be in wrong hands: it never works again.',
    'Create another one: shiplog tokens create NAME',
  ),
  UserCreated: people,
  PersonErased: always(
    'The key of the person was deleted, so that what is known of them can never be read again.',
    null,
  ),
  TeamCreated: people,
  TeamMemberAdded: people,
  KeptVolumeRemoved: always('What was in the volume was deleted.', null),
  NameReserved: partOf('the creation of an app'),
  NameReleased: partOf('the destruction of an app'),
  DomainReserved: partOf('the addition of a domain'),
  DomainProofDemanded: partOf('the addition of a domain'),
  DomainLookedUp: fact('the api'),
  DomainReleased: partOf('the removal of a domain'),
  PortReserved: partOf('the addition of a port'),
  PortReleased: partOf('the removal of a port'),
  BuildStarted: fact('the builder'),
  BuildSucceeded: fact('the builder'),
  BuildFailed: fact('the builder'),
  BuildCancelled: fact('the builder'),
  ImageRebuilt: fact('the builder'),
  ImageLost: fact('the builder'),
  RolloutStarted: fact('the deployer'),
  RolloutStrategySet: fact('the deployer'),
  RolloutStepped: fact('the deployer'),
  RolloutCompleted: fact('the deployer'),
  RolloutFailed: fact('the deployer'),
  RolloutCancelled: fact('the deployer'),
  InstanceScheduled: fact('the deployer'),
  InstanceStarted: fact('the deployer'),
  InstanceReady: fact('the deployer'),
  InstanceCheckPassed: fact('the deployer'),
  InstanceUnready: fact('the deployer'),
  InstanceExited: fact('the deployer'),
  InstanceResized: fact('the deployer'),
  InstanceResizeRefused: fact('the deployer'),
  InstanceSignalled: fact('the deployer'),
  InstanceRetired: fact('the deployer'),
  InstanceStopped: fact('the deployer'),
  RunScheduled: fact('the deployer'),
  RunStarted: fact('the deployer'),
  RunStopping: fact('the deployer'),
  RunEnded: fact('the deployer'),
  VolumeCreated: fact('the deployer'),
  VolumeMissing: fact('the deployer'),
  VolumeFound: fact('the deployer'),
  VolumeAboveSize: fact('the deployer'),
  VolumeWithinSize: fact('the deployer'),
  VolumeDeleted: fact('the deployer'),
  RouterStarted: fact('the router'),
  RoutesApplied: fact('the router'),
  RouteWeightsApplied: fact('the router'),
  CertificatesApplied: fact('the router'),
  RouterRemoved: fact('the router'),
  NodeObserved: fact('the monitor'),
  GarbageCollected: always(
    'What was collected is gone.',
    'An image that is needed is made again of its source by itself.',
  ),
  GarbagePolicyChanged: (event, question) => undoGarbagePolicy(event, question),
  BackupPolicyChanged: (event, question) => undoBackupPolicy(event, question),
  FreezeAdded: (event, question) => undoFreeze(event, question),
  FreezeRemoved: (event, question) => undoFreeze(event, question),
  CertificateInstalled: always(
    'The certificate before it may be over, and its key is not kept.',
    'Bring another one: shiplog certs add DOMAIN --cert FILE --key FILE',
  ),
  CertificateRemoved: always(
    'Its key was deleted.',
    'Bring it again: shiplog certs add DOMAIN --cert FILE --key FILE',
  ),
  CertificateOrdered: fact('the api'),
  CertificateFailed: fact('the api'),
  HttpsPolicyChanged: always(
    'What browsers were told they remember.',
    'Set what is to hold from now on: shiplog certs https',
  ),
  BackupStarted: fact('the backup process'),
  BackupSucceeded: fact('the backup process'),
  BackupHookRan: fact('the backup process'),
  BackupFailed: fact('the backup process'),
  BackupVerified: fact('the backup process'),
  BackupVerificationFailed: fact('the backup process'),
  BackupsPruned: always('The backups were removed from their place.', null),
  BackupRestored: fact('the backup process'),
  MasterKeyRotationRequested: masterKey,
  MasterKeyRotated: masterKey,
  CommandsRefused: noted('what was refused'),
  SecretsRead: noted('who was shown config values'),
  OperationsDone: noted('what somebody had done'),
};

/**
 * What would take a change back, and what that would mean. Pure: the same question, the same proposal.
 * Of several events of one commit the one that stands for what was asked for decides.
 */
export const proposeUndo = (question: UndoQuestion<unknown>): UndoProposal => {
  const { commit, before, now } = question;
  const event = mainEvent(commit.commit.events);
  if (aggregateOf(commit.commit.stream) !== 'app') {
    const propose = otherUndo[event.type as OtherEvent['type']];
    return (propose as (e: unknown, q: unknown) => UndoProposal)(event, question);
  }
  const propose = appUndo[event.type as AppEvent['type']] as (
    e: unknown,
    q: unknown,
  ) => UndoProposal;
  if (event.type === 'AppDestroyed') return propose(event, question);
  const state = now as AppState;
  if (state.status !== 'active') {
    return impossible(
      'The app was destroyed since, and its key shredded.',
      'Create a new app: shiplog apps create NAME',
    );
  }
  // Before its first commit an app is nothing; the only event there needs no state before.
  return propose(event, {
    ...question,
    before: (before as AppState).status === 'active' ? before : state,
  });
};

/** A release that was built, pulled or rolled back to is what the rest of its commit follows from. */
const mainEvent = (events: readonly DomainEventUnion[]): DomainEventUnion => {
  const release = events.find((e) => e.type === 'ReleaseCreated' && e.data.cause !== 'config');
  const event = release ?? events[0];
  if (event === undefined) throw new Error('a commit without events');
  return event;
};
