import { usageError } from '../exit-code.js';
import { orAutomatic, parseInteger } from './quantity.js';
import { seconds, type Setting } from './setting-text.js';

const oneOf =
  (name: string, words: readonly string[]) =>
  (text: string): string => {
    if (words.includes(text)) return text;
    throw usageError(`${name}: "${text}" is none of ${words.join(', ')}`);
  };

const matching =
  (name: string, pattern: RegExp, example: string) =>
  (text: string): string => {
    if (pattern.test(text)) return text;
    throw usageError(`${name}: "${text}" is not what it takes`, `Write for example ${example}.`);
  };

const MATCH = /^(?:header:[A-Za-z0-9-]+|cookie:[A-Za-z0-9_-]+)(?:=[A-Za-z0-9._-]+)?$/;

/** Names of headers are the same in either case. */
const matchRule = (text: string): string => {
  const rule = matching('canary-match', MATCH, 'header:x-canary=yes or cookie:beta=1')(text);
  const [name = '', ...value] = rule.split('=');
  return name.startsWith('header:') ? [name.toLowerCase(), ...value].join('=') : rule;
};

/** How releases take each other's place. A change of these replaces nothing: the next deploy goes by them. */
export const STRATEGY_SETTINGS: Readonly<Record<string, Setting>> = {
  strategy: {
    field: 'strategy',
    help: 'rolling, blue-green or canary; how the next deploys replace what serves',
    parse: oneOf('strategy', ['rolling', 'blue-green', 'canary']),
  },
  batch: {
    field: 'batch',
    help: 'rolling: instances replaced at a time, such as 2 or 25%',
    parse: matching('batch', /^\d{1,3}%?$/, '2 or 25%'),
  },
  'batch-pause': {
    field: 'batchPauseSeconds',
    help: 'rolling: time between a batch that serves and the next',
    parse: seconds('batch-pause'),
  },
  retain: {
    field: 'retainSeconds',
    help: 'blue-green: how long the old instances are kept for an instant way back',
    parse: seconds('retain'),
  },
  'canary-steps': {
    field: 'canarySteps',
    help: 'canary: shares of the requests in percent, such as 5,25,50; then all',
    parse: matching('canary-steps', /^\d{1,2}(?:,\d{1,2})*$/, '5,25,50'),
  },
  'canary-match': {
    field: 'canaryMatch',
    help: 'canary: requests that all go to the new release: header:x-canary=yes or cookie:beta; none',
    parse: orAutomatic((text: string) => matchRule(text)),
  },
  'canary-step': {
    field: 'canaryStepSeconds',
    help: 'canary: time that a step takes at least',
    parse: seconds('canary-step'),
  },
  'canary-promote': {
    field: 'canaryPromote',
    help: 'canary: auto: the figures end a step; manual: `deploys promote` does',
    parse: oneOf('canary-promote', ['auto', 'manual']),
  },
  'canary-requests': {
    field: 'canaryRequests',
    help: 'canary: requests to the new instances before anything is concluded',
    parse: parseInteger('canary-requests', 1, 1_000_000),
  },
  'canary-errors': {
    field: 'canaryErrorPoints',
    help: 'canary: percentage points by which failed requests may exceed the old ones',
    parse: (text) => {
      if (/^\d{1,3}(?:\.\d{1,3})?$/.test(text)) return Number(text);
      throw usageError(`canary-errors: "${text}" is not a number`, 'Write for example 1 or 0.5.');
    },
  },
  'canary-latency': {
    field: 'canaryLatencyPercent',
    help: 'canary: percent by which the mean response time may exceed the old one; none: not compared',
    parse: orAutomatic(parseInteger('canary-latency', 0, 10_000)),
  },
};
