import type { Settings } from '@shiplog/api-client';
import { closest } from '../closest.js';
import { usageError } from '../exit-code.js';
import { seconds, type Setting } from './setting-text.js';
import { STRATEGY_SETTINGS } from './strategy-setting.js';
import { orAutomatic, parseInteger } from './quantity.js';
import { RESOURCES } from './resources.js';

/** Settings as a person writes them. What is in bounds is the server's business; what is a number is ours. */
export const SETTINGS: Readonly<Record<string, Setting>> = {
  port: {
    field: 'port',
    help: 'port on which `web` listens; auto: the one the image EXPOSEs, else 8080',
    parse: orAutomatic(parseInteger('port', 1, 65_535)),
  },
  protocol: {
    field: 'protocol',
    help: 'what `web` speaks on its port: http (HTTP/1.1), or h2c (HTTP/2 without TLS, for gRPC)',
    parse: (text) => {
      if (text === 'http' || text === 'h2c') return text;
      throw usageError(`protocol: "${text}" is no protocol`, 'It is http or h2c.');
    },
  },
  'health-path': {
    field: 'healthPath',
    help: 'HTTP path that answers 2xx or 3xx when an instance is ready; none: a TCP check',
    parse: orAutomatic((text) => {
      if (text.startsWith('/')) return text;
      throw usageError(
        `health-path: "${text}" is not a path`,
        'A path begins with "/", such as /health.',
      );
    }),
  },
  'start-timeout': {
    field: 'startTimeoutSeconds',
    help: 'how long an instance may take to become ready',
    parse: seconds('start-timeout'),
  },
  'rollout-timeout': {
    field: 'rolloutTimeoutSeconds',
    help: 'how long a whole deploy may take',
    parse: seconds('rollout-timeout'),
  },
  drain: {
    field: 'drainSeconds',
    help: 'how long requests under way may go on after routing ended',
    parse: seconds('drain'),
  },
  grace: {
    field: 'graceSeconds',
    help: 'time between SIGTERM and SIGKILL',
    parse: seconds('grace'),
  },
  'releases-kept': {
    field: 'releasesKept',
    help: 'releases kept for rollback',
    parse: parseInteger('releases-kept', 1, 100),
  },
  ...STRATEGY_SETTINGS,
  ...RESOURCES,
};

/** One setting as the API takes it. */
export const parseSetting = (name: string, text: string): Partial<Settings> => {
  const setting = Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined;
  if (setting === undefined) {
    const names = Object.keys(SETTINGS);
    const similar = closest(name, names);
    throw usageError(
      `there is no setting "${name}"`,
      `${similar === undefined ? '' : `Did you mean ${similar}? `}Settings: ${names.join(', ')}`,
    );
  }
  return { [setting.field]: setting.parse(text) };
};
