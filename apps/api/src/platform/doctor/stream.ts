import { agoOf, bad, ok, type Verdict } from './verdict.js';

/** What the provisioner saw when it looked at the log stream last: at every start, then once a minute. */
export interface StreamCheck {
  readonly checkedAt: string;
  /** Null where all is well. */
  readonly settings: string | null;
  readonly gaps: string | null;
}

const NEVER: Verdict = bad(
  'warning',
  'nobody looked at the log stream yet',
  'restart the platform: the provisioner looks at every start',
);

export const settingsVerdict = (check: StreamCheck | undefined, nowMs: number): Verdict => {
  if (check === undefined) return NEVER;
  if (check.settings === null) {
    return ok(`the log stream is as it must be; looked ${agoOf(check.checkedAt, nowMs)}`);
  }
  return bad(
    'failed',
    check.settings,
    'set it back as administrator of nats-server (docs/operations.md), and find out who changed it; the next look is within a minute',
  );
};

export const gapsVerdict = (check: StreamCheck | undefined, nowMs: number): Verdict => {
  if (check === undefined) return NEVER;
  if (check.gaps === null) {
    return ok(`no commit is missing; looked ${agoOf(check.checkedAt, nowMs)}`);
  }
  return bad(
    'failed',
    check.gaps,
    'stop the platform, keep a copy of its data directory, and restore the log from a backup',
  );
};
