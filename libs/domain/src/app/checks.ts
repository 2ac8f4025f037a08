import {
  PROBES,
  type AppEvent,
  type Check,
  type Checks,
  type CheckRequest,
  type Probe,
  type Settings,
} from '@shiplog/events';
import { isReached, type Ports } from './ports.js';

export type CheckChange = Extract<AppEvent, { type: 'HealthCheckChanged' }>['data'];
type Timings = Pick<Check, 'intervalMs' | 'timeoutMs' | 'failures' | 'successes' | 'delayMs'>;

/** Requests are routed to instances of this process type. */
const ROUTED = 'web';

/** Good answers of an HTTP check where nothing else is asked for. */
const GOOD_STATUS = '200-399';

/**
 * readiness: a hung instance is found after one interval and one timeout, 1.5 s at most, an unready one
 * after two intervals. liveness is slow by intent: it ends runs.
 */
const DEFAULTS: Readonly<Record<Probe, Timings>> = {
  startup: { intervalMs: 1_000, timeoutMs: 5_000, failures: 1, successes: 1, delayMs: 0 },
  readiness: { intervalMs: 500, timeoutMs: 1_000, failures: 2, successes: 2, delayMs: 0 },
  liveness: { intervalMs: 10_000, timeoutMs: 5_000, failures: 3, successes: 1, delayMs: 0 },
};
/** A full queue of connections looks like a hang: it takes longer to believe. */
const TCP_DEFAULTS: Partial<Timings> = { intervalMs: 1_000, timeoutMs: 2_000 };
/** Each command is a new process in the container, made by the engine. */
const COMMAND_DEFAULTS: Readonly<Record<Probe, Partial<Timings>>> = {
  startup: {},
  readiness: { intervalMs: 5_000, timeoutMs: 5_000 },
  liveness: { timeoutMs: 10_000 },
};

/** A check as it was asked for, with everything that was left out. */
export const wholeCheck = (probe: Probe, request: CheckRequest): Check => {
  const timings: Timings = {
    ...DEFAULTS[probe],
    ...(request.kind === 'tcp' ? TCP_DEFAULTS : {}),
    ...(request.kind === 'command' ? COMMAND_DEFAULTS[probe] : {}),
  };
  return {
    kind: request.kind,
    path: request.path ?? null,
    status: request.status ?? GOOD_STATUS,
    command: request.command ?? null,
    intervalMs: request.intervalMs ?? timings.intervalMs,
    timeoutMs: request.timeoutMs ?? timings.timeoutMs,
    failures: request.failures ?? timings.failures,
    successes: request.successes ?? timings.successes,
    delayMs: request.delayMs ?? timings.delayMs,
  };
};

interface Checked {
  readonly settings: Pick<Settings, 'healthPath'>;
  readonly checks?: Checks | undefined;
  readonly ports?: Ports;
}

/**
 * What is asked of instances of a process type. Where nothing was set: `web` over HTTP where it has a health
 * path, else by a connection, as those with a port of the router; the others are not asked. No liveness unless somebody wants one.
 */
export const checkOf = (app: Checked, process: string, probe: Probe): Check | null => {
  const set = setCheck(app.checks, process, probe);
  if (set !== undefined) return set.kind === 'none' ? null : set;
  if (!isReached(app, process) || probe === 'liveness') return null;
  const path = process === ROUTED ? app.settings.healthPath : null;
  return wholeCheck(probe, path === null ? { kind: 'tcp' } : { kind: 'http', path });
};

export const setCheck = (
  checks: Checks | undefined,
  process: string,
  probe: Probe,
): Check | undefined =>
  checks !== undefined && Object.hasOwn(checks, process) ? checks[process]?.[probe] : undefined;

export const withCheck = (
  checks: Checks | undefined,
  { process, probe, check }: Pick<CheckChange, 'process' | 'probe' | 'check'>,
): Checks => {
  const { [process]: own = {}, ...others } = checks ?? {};
  const { [probe]: _, ...rest } = own;
  const now = check === null ? rest : { ...rest, [probe]: check };
  return Object.keys(now).length === 0 ? others : { ...others, [process]: now };
};

/** All that were set, in a fixed order. */
export const checksIn = (
  checks: Checks | undefined,
): readonly { process: string; probe: Probe; check: Check }[] =>
  Object.entries(checks ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([process, own]) =>
      PROBES.flatMap((probe) => {
        const check = own[probe];
        return check === undefined ? [] : { process, probe, check };
      }),
    );

/** As much as an event holds of it. */
const NAME_CHARACTERS_MAX = 600;

/** What is asked, without the timings: two checks of the same name ask the same. */
export const checkName = ({ kind, status, path, command }: Check): string => {
  switch (kind) {
    case 'http':
      return `http ${status} ${path ?? '/'}`;
    case 'command':
      return `command ${JSON.stringify(command ?? [])}`.slice(0, NAME_CHARACTERS_MAX);
    case 'tcp':
    case 'none':
      return kind;
  }
};

/** A check as the CLI takes it; `default` where none is set. */
export const checkText = (check: Check | undefined): string => {
  if (check === undefined) return 'default';
  const { kind, path, status, command, intervalMs, timeoutMs, failures, successes, delayMs } =
    check;
  if (kind === 'none') return 'none';
  const asked = {
    http: `http ${path ?? '/'} status=${status}`,
    tcp: 'tcp',
    command: `command ${JSON.stringify(command ?? [])}`,
  }[kind];
  const times = `interval=${span(intervalMs)} timeout=${span(timeoutMs)} failures=${failures} successes=${successes}`;
  return `${asked} ${times}${delayMs === 0 ? '' : ` delay=${span(delayMs)}`}`;
};

const span = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`);
