import type { ProcessLimits } from '@shiplog/api-client';
import { defineCommand } from '../command.js';
import { printableLine } from '../render/printable.js';
import { sizeText } from '../render/size.js';
import type { Column } from '../render/table.js';

/** What is its own is marked: everything else follows the settings of the app. */
const marked = (
  one: ProcessLimits,
  field: ProcessLimits['own'][number],
  text: string | number,
): string => `${text}${one.own.includes(field) ? '*' : ''}`;

const COLUMNS: readonly Column<ProcessLimits>[] = [
  { title: 'process', value: ({ process }) => process },
  {
    title: 'memory',
    value: (one) => marked(one, 'memoryBytes', sizeText(one.memoryBytes)),
    align: 'right',
  },
  {
    title: 'reserved',
    value: (one) => marked(one, 'memoryReservationBytes', sizeText(one.memoryReservationBytes)),
    align: 'right',
  },
  { title: 'cpus', value: (one) => marked(one, 'cpus', one.cpus), align: 'right' },
  {
    title: 'reserved',
    value: (one) => marked(one, 'cpuReservation', one.cpuReservation),
    align: 'right',
  },
  { title: 'pids', value: (one) => marked(one, 'pids', one.pids), align: 'right' },
  { title: 'io weight', value: (one) => marked(one, 'ioWeight', one.ioWeight), align: 'right' },
];

export const limits = defineCommand({
  name: 'limits',
  summary: 'show the limits of each process type',
  details:
    'A star marks what `shiplog resize` gave to a process type alone; the rest are settings of the app.',
  examples: [
    ['limits -a shop', 'memory, CPU and other limits'],
    ['limits -a shop --json', 'in bytes, with what could not be changed yet'],
  ],
  takes: ['app', 'at'],
  run: async ({ app, client, read, out }) => {
    const all = await (await client()).limits.list(await app(), read);
    out.json(all);
    await out.table(all, COLUMNS, 'Nothing is deployed yet.');
    for (const { instance, summary } of all.flatMap(({ refused }) => refused)) {
      out.line(printableLine(`${instance} was not resized: ${summary}`));
    }
  },
});
