import type { Explanation } from '@shiplog/events';

/** One line of news about a change on its way. The last one of a stream is `done` or `failed`. */
export interface ProgressEvent {
  /** `output`: a line that the build printed; `step`: something happened. */
  readonly kind: 'output' | 'step' | 'done' | 'failed';
  readonly text: string;
  /** ISO 8601. */
  readonly at: string;
  /** Why it failed. */
  readonly explanation?: Explanation;
  readonly version?: number;
  readonly deployId?: string;
  readonly buildId?: string;
  /** Where the app answers; only with `done`, and only where it has a `web` process. */
  readonly url?: string;
}

/** The parts of an event that its maker knows; the time is added when it is sent. */
export type News = Omit<ProgressEvent, 'at'>;

/** An explanation of what this process knows by itself. */
export const explain = (
  code: string,
  summary: string,
  remedy: string | null = null,
): Explanation => ({
  code,
  summary,
  remedy,
  tried: null,
  probe: null,
  listening: [],
  exitCode: null,
  oomKilled: false,
  instanceId: null,
  logLines: [],
});

export const failure = (explanation: Explanation, more: Partial<News> = {}): News => ({
  kind: 'failed',
  text: explanation.summary,
  explanation,
  ...more,
});
