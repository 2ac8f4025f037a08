import { pause, type AppTraffic } from '@shiplog/api-client';
import { defineCommand, type Invocation } from '../command.js';
import { sizeText } from '../render/size.js';
import type { Column } from '../render/table.js';

interface TrafficOptions {
  readonly watch?: boolean;
}
type Row = Omit<AppTraffic['instances'][number], 'instance'> & { readonly name: string };

const WATCH_MS = 2000;
/** Clears the screen and goes to its first place. */
const CLEAR = '\u001b[2J\u001b[H';

const ms = (value: number | null): string => {
  if (value === null) return '';
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
};
const perSecond = (bytes: number): string => `${sizeText(Math.round(bytes))}/s`;

const COLUMNS: readonly Column<Row>[] = [
  { title: 'instance', value: ({ name }) => name },
  { title: 'release', value: ({ release }) => (release === null ? '' : `v${release}`) },
  {
    title: 'requests/s',
    value: ({ requestsPerSecond }) => requestsPerSecond.toFixed(1),
    align: 'right',
  },
  {
    title: 'errors',
    value: ({ errorPercent }) => (errorPercent === null ? '' : `${errorPercent.toFixed(1)} %`),
    align: 'right',
  },
  { title: 'p50', value: ({ p50Ms }) => ms(p50Ms), align: 'right' },
  { title: 'p95', value: ({ p95Ms }) => ms(p95Ms), align: 'right' },
  { title: 'p99', value: ({ p99Ms }) => ms(p99Ms), align: 'right' },
  { title: 'in flight', value: ({ inFlight }) => inFlight ?? '', align: 'right' },
  { title: 'in', value: ({ bytesInPerSecond }) => perSecond(bytesInPerSecond), align: 'right' },
  { title: 'out', value: ({ bytesOutPerSecond }) => perSecond(bytesOutPerSecond), align: 'right' },
];

export const traffic = defineCommand<TrafficOptions>({
  name: 'traffic',
  summary: 'show what clients of an app felt in the last minute',
  details:
    'By instance: requests a second, answers of 5xx, how long answers took, requests under way. Requests that ' +
    'reached no instance stand as "(none)". Quantiles are estimated within the buckets of a histogram.',
  examples: [
    ['traffic -a shop', 'the last minute'],
    ['traffic -a shop --watch', 'live, until Ctrl-C'],
    ['traffic -a shop --json | jq .app.p99Ms', 'one figure'],
  ],
  options: [{ flags: '-w, --watch', help: 'refresh every two seconds until Ctrl-C' }],
  takes: ['app'],
  onlyNow: 'What clients felt is not in the log of events; Prometheus keeps it (/metrics).',
  run: async (invocation) => {
    const app = await invocation.app();
    const { io, out, options } = invocation;
    if (options.watch !== true) return showOnce(invocation, app, '');
    const clear = !out.isJson && io.stdout.isTTY === true ? CLEAR : '';
    while (!io.signal.aborted) {
      await showOnce(invocation, app, clear);
      await pause(WATCH_MS, io.signal);
    }
  },
});

const showOnce = async (invocation: Invocation, app: string, before: string): Promise<void> => {
  const { client, out, io } = invocation;
  const found = await (await client()).apps.traffic(app);
  if (before !== '') io.stdout.write(before);
  out.json(found);
  const inFlight = found.instances.reduce((sum, one) => sum + (one.inFlight ?? 0), 0);
  const rows: Row[] = [
    ...found.instances.map(({ instance, ...rest }) => ({ ...rest, name: instance ?? '(none)' })),
    { ...found.app, release: null, inFlight, name: 'all' },
  ];
  await out.table(rows, COLUMNS, '');
  if (found.queued > 0) out.line(`${found.queued} requests wait for a place at an instance.`);
};
