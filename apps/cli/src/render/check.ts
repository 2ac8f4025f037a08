import type { Check } from '@shiplog/api-client';

/** A health check as `settings set` takes it. */
export const checkText = (check: Check): string => {
  const { kind, path, status, command } = check;
  switch (kind) {
    case 'none':
      return 'none';
    case 'tcp':
      return `tcp ${timesText(check)}`;
    case 'http':
      return `http ${path ?? '/'} status=${status} ${timesText(check)}`;
    case 'command':
      return `command ${JSON.stringify(command)} ${timesText(check)}`;
  }
};

const timesText = ({ intervalMs, timeoutMs, failures, successes, delayMs }: Check): string =>
  [
    `interval=${span(intervalMs)}`,
    `timeout=${span(timeoutMs)}`,
    `failures=${failures}`,
    `successes=${successes}`,
    ...(delayMs === 0 ? [] : [`delay=${span(delayMs)}`]),
  ].join(' ');

const span = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`);
