import type { Envelope, EventNamed } from '../projection.js';

/** What later releases have to know of a build: who wanted it, why, and from which commit. */
export interface BuildRequest {
  readonly kind: 'build';
  readonly by: string;
  readonly reason: string | null;
  readonly commit: string | null;
  readonly branch: string | null;
}

/** Ids have no dot, so that the key is none of an app. */
export const buildRequestKey = (buildId: string): string => `build.${buildId}`;

export const buildRequestOf = (
  { data: { source } }: EventNamed<'BuildRequested'>,
  at: Envelope,
): BuildRequest => ({
  kind: 'build',
  by: at.by,
  reason: at.reason,
  commit: source.kind === 'archive' ? source.commit : null,
  branch: source.kind === 'archive' ? source.branch : null,
});

/** A release that a process cut is the work of whoever asked for the build. */
export const whoAndWhy = (
  at: Envelope,
  build: BuildRequest | undefined,
): { readonly by: string; readonly reason: string | null } =>
  at.byProcess && build !== undefined
    ? { by: build.by, reason: at.reason ?? build.reason }
    : { by: at.by, reason: at.reason };
