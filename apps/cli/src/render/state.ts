import type { Colors } from 'picocolors/types.js';

const GOOD = new Set(['live', 'ready', 'succeeded', 'completed', 'active', 'ok']);
const BAD = new Set([
  ...['failed', 'failing', 'exited', 'unready', 'revoked', 'expired', 'refused', 'lost'],
]);
const UNDER_WAY = new Set([
  'deploying',
  'pending',
  'rolling-out',
  'requested',
  'running',
  'starting',
  'scheduled',
  'warning',
]);

/** Colour by meaning, the same word everywhere the same colour. */
export const stateColor =
  (colors: Colors) =>
  (state: string): string => {
    if (GOOD.has(state)) return colors.green(state);
    if (BAD.has(state)) return colors.red(state);
    return UNDER_WAY.has(state) ? colors.yellow(state) : colors.dim(state);
  };
