import { pause, type Instance } from '@shiplog/api-client';
import { defineCommand, type Invocation } from '../command.js';
import { usageError } from '../exit-code.js';
import { sizeText } from '../render/size.js';
import { stateColor } from '../render/state.js';
import type { Column } from '../render/table.js';
import { printableLine } from '../render/printable.js';
import { durationText, relativeTime } from '../render/time.js';

interface PsOptions {
  readonly watch?: boolean;
}

/** Measured, not an event: nobody can tell afterwards. */
const NOT_RECORDED = '\nCPU and memory of that moment are not in the log.';

const WATCH_MS = 2000;
/** Clears the screen and goes to its first place. */
const CLEAR = '\u001b[2J\u001b[H';

const cpuText = ({ cpu }: Instance): string => (cpu === null ? '' : `${(cpu * 100).toFixed(1)} %`);

const memoryText = ({ memoryBytes, memoryLimitBytes }: Instance): string =>
  memoryBytes === null ? '' : `${sizeText(memoryBytes)} of ${sizeText(memoryLimitBytes)}`;

const stateText = ({ state, exitCode, oomKilled }: Instance): string => {
  if (state !== 'exited') return state;
  return oomKilled ? 'exited (out of memory)' : `exited (${exitCode ?? 'unknown'})`;
};

const columns = ({ io, out }: Invocation): readonly Column<Instance>[] => [
  { title: 'process', value: ({ process }) => process },
  { title: 'instance', value: ({ id }) => id },
  { title: 'release', value: ({ release }) => `v${release}` },
  {
    title: 'state',
    value: stateText,
    paint: (text, { state }) => stateColor(out.colors)(state).replace(state, text),
  },
  { title: 'cpu', value: cpuText, align: 'right' },
  { title: 'memory', value: memoryText, align: 'right' },
  { title: 'restarts', value: ({ restarts }) => restarts, align: 'right' },
  { title: 'started', value: ({ startedAt }) => relativeTime(startedAt, io.now()) },
  { title: 'address', value: ({ host, port }) => (port === null ? host : `${host}:${port}`) },
];

/** Under the table: why what runs gets no requests. */
const unreadyLines = (instances: readonly Instance[], nowMs: number): string[] => {
  const startingLines = instances.flatMap(({ id, state, lastAnswer }) =>
    state === 'starting' && lastAnswer !== null
      ? `${id} is not ready yet: ${printableLine(lastAnswer)}`
      : [],
  );
  const lines = instances.flatMap(({ id, state, unready, lastAnswer }) =>
    state === 'unready' && unready !== null
      ? `${id} is unready for ${durationText(nowMs - Date.parse(unready.at))} (${unready.cause}): ${printableLine(lastAnswer ?? unready.got)}${MEANING[unready.cause]}`
      : [],
  );
  const all = [...lines, ...startingLines];
  return all.length === 0 ? [] : ['', ...all];
};

const MEANING: Readonly<Record<NonNullable<Instance['unready']>['cause'], string>> = {
  readiness: '',
  liveness: '; it is being started again',
  paused: '; `docker unpause` lets it go on',
};

export const ps = defineCommand<PsOptions>({
  name: 'ps',
  summary: 'show instances with CPU and memory',
  examples: [
    ['ps -a shop', 'what runs now'],
    ['ps -a shop --watch', 'live, until Ctrl-C'],
    ['ps -a shop --at 10m', 'what ran ten minutes ago'],
    ["ps -a shop --json | jq -r '.[].id'", 'ids only'],
  ],
  options: [{ flags: '-w, --watch', help: 'refresh every two seconds until Ctrl-C' }],
  takes: ['app', 'at'],
  run: async (invocation) => {
    const { options } = invocation;
    if (options.watch === true && options.at !== undefined) {
      throw usageError('--watch and --at were given: the past does not change');
    }
    const app = await invocation.app();
    if (options.watch === true) await watch(invocation, app);
    else await showOnce(invocation, app, '');
  },
});

const showOnce = async (invocation: Invocation, app: string, before: string): Promise<void> => {
  const { client, read, out, io } = invocation;
  const instances = await (await client()).apps.instances(app, read);
  if (before !== '') io.stdout.write(before);
  out.json(instances);
  await out.table(
    instances,
    columns(invocation),
    read.at === undefined
      ? `No instances of ${app}. Deploy it (shiplog deploy), start it (shiplog start) or scale it (shiplog scale web=1).`
      : `No instances of ${app} at that moment.`,
  );
  for (const text of unreadyLines(instances, io.now())) out.line(text);
  if (read.at !== undefined && instances.length > 0) out.line(NOT_RECORDED);
};

const watch = async (invocation: Invocation, app: string): Promise<void> => {
  const { io, out } = invocation;
  const clear = !out.isJson && io.stdout.isTTY === true ? CLEAR : '';
  while (!io.signal.aborted) {
    await showOnce(invocation, app, clear);
    await pause(WATCH_MS, io.signal);
  }
};
