import { urlOfApp } from '../apps/addresses.js';
import type { Bus } from '@shiplog/bus';
import type { World } from '@shiplog/domain';
import type { EventLog, LogFeed } from '@shiplog/events/log';
import type { PlatformConfig } from '@shiplog/runtime';
import type { Inbox } from './inbox.js';
import type { News } from './progress-event.js';
import type { Steps } from './steps.js';

export interface ProgressSources {
  readonly world: World;
  readonly feed: LogFeed;
  readonly log: EventLog;
  readonly bus: Bus;
  readonly config: Pick<PlatformConfig, 'domain' | 'routerPort' | 'tlsPort' | 'acme'>;
  /** Milliseconds of the wall clock. Default `Date.now`. */
  readonly now?: () => number;
}

/** What the parts of one following share. */
export interface Follower extends ProgressSources {
  readonly now: () => number;
  readonly appId: string;
  readonly inbox: Inbox;
  readonly steps: Steps;
  readonly signal: AbortSignal;
}

/** Nothing is lost when a commit wakes nobody up: the world is looked at this often anyway. */
export const LOOK_MS = 2_000;

/** Longer than this without a beginning is worth a word: a process may be down. */
export const WAITING_MS = 10_000;

/** Says once that somebody is waited for, after a while. */
export const waitingNotice = (follower: Follower, text: string): (() => readonly News[]) => {
  const since = follower.now();
  let isSaid = false;
  return () => {
    if (isSaid || follower.now() - since < WAITING_MS) return [];
    isSaid = true;
    return [{ kind: 'step', text }];
  };
};

/** Where the app answers; undefined when none of its processes is `web`. */
export const urlOf = ({ world, appId, config }: Follower): string | undefined => {
  const app = world.app(appId);
  if (app === undefined || !('web' in app.formation)) return undefined;
  return urlOfApp(app.name, config);
};
