import type { Commit } from '@shiplog/events';
import { commandText } from './command-text.js';
import type { Step } from './step.js';

/** Of which the commits tell nothing. */
export const nothing = (kind: Step['kind'], id: string): Step => ({
  kind,
  id,
  text: '',
  state: null,
  actor: null,
  reason: null,
  time: null,
  sequence: null,
});

/** As a commit tells it. */
export const stepOf = (
  kind: Step['kind'],
  id: string,
  { commit, sequence }: { readonly commit: Commit; readonly sequence: string },
): Step => ({
  ...nothing(kind, id),
  actor: commit.actor.name,
  time: commit.time,
  sequence,
});

export const commandOf = (commit: Commit, sequence: string): Step => ({
  ...nothing('command', commit.id),
  text: commandText(commit),
  actor: commit.actor.name,
  reason: commit.reason,
  time: commit.time,
  sequence,
});
