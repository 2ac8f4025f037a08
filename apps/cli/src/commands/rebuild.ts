import { pause, type RebuildStatus } from '@shiplog/api-client';
import { defineCommand, type Invocation } from '../command.js';
import { CliError, EXIT, usageError } from '../exit-code.js';
import { createProgressLine } from '../progress/progress-view.js';
import { durationText } from '../render/time.js';

interface RebuildOptions {
  readonly force?: boolean;
  readonly status?: boolean;
  readonly cancel?: boolean;
}

const LOOK_MS = 250;

export const rebuild = defineCommand<RebuildOptions>({
  name: 'rebuild',
  args: [['[name]', 'one read model; default: all']],
  summary: 'rebuild read models from the log',
  details:
    'Queries are answered from the old ones until the new ones are complete and were compared with them. ' +
    'Running apps notice nothing. Ctrl-C only ends the watching; a restart of the platform goes on where it was.',
  examples: [
    ['rebuild', 'all of them'],
    ['rebuild apps', 'one of them'],
    ['rebuild --status', 'how far it is'],
    ['rebuild --cancel', 'what is served stays as it is'],
  ],
  options: [
    { flags: '--status', help: 'show the rebuild under way, or how the last one ended' },
    { flags: '--cancel', help: 'end the rebuild under way' },
    {
      flags: '--force',
      help: 'serve what was made also where the same code made other documents before',
    },
  ],
  takes: ['reason', 'wait'],
  run: async (invocation) => {
    const { args, options, client, change, out } = invocation;
    refuseTwoThings(options, args[0]);
    const { platform } = await client();
    if (options.status === true) return tell(invocation, await platform.rebuildStatus());
    if (options.cancel === true) return tell(invocation, await platform.cancelRebuild(change));
    const [name] = args;
    const started = await platform.startRebuild(
      { ...(name !== undefined && { name }), ...(options.force === true && { force: true }) },
      change,
    );
    if (options.wait === false) {
      out.json(started);
      out.line('It is under way. How far: shiplog rebuild --status');
      return;
    }
    const ended = await watch(invocation, started);
    const { models, events, differences, parked } = ended;
    refuseFailure(ended);
    const durationMs = Date.parse(ended.finishedAt ?? '') - Date.parse(ended.startedAt ?? '');
    out.json({ rebuilt: models, events, durationMs, differences, parked });
    out.line(`Rebuilt ${models.join(', ')} from ${events} events in ${durationText(durationMs)}.`);
    for (const line of differenceLines(ended)) out.line(line);
  },
});

const refuseTwoThings = (
  { status, cancel, force }: RebuildOptions,
  name: string | undefined,
): void => {
  if (status === true && cancel === true) {
    throw usageError('--status and --cancel are two things', 'Use one of them.');
  }
  if ((status === true || cancel === true) && (name !== undefined || force === true)) {
    throw usageError('--status and --cancel take nothing else', 'There is one rebuild at a time.');
  }
};

const watch = async (
  { client, io, out }: Invocation<RebuildOptions>,
  started: RebuildStatus,
): Promise<RebuildStatus> => {
  const { platform } = await client();
  const line = createProgressLine(io, out);
  try {
    let status = started;
    while (isUnderWay(status)) {
      line.show(progressText(status));
      await pause(LOOK_MS, io.signal);
      status = await platform.rebuildStatus();
    }
    return status;
  } finally {
    line.close();
    if (io.signal.aborted)
      out.note('No longer watching; it goes on. To end it: shiplog rebuild --cancel');
  }
};

const isUnderWay = ({ state }: RebuildStatus): boolean =>
  state === 'running' || state === 'comparing';

/** `rebuilding 42 % · 120,000 of 286,000 commits · 24,310 events/s · 7 s left`. */
const progressText = (status: RebuildStatus): string => {
  const { state, done, total, eventsPerSecond, secondsLeft } = status;
  if (state === 'comparing') return 'comparing with what is served';
  const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
  return [
    `rebuilding ${percent} %`,
    `${number(done)} of ${number(total)} commits`,
    ...(eventsPerSecond === null ? [] : [`${number(eventsPerSecond)} events/s`]),
    ...(secondsLeft === null ? [] : [`${durationText(secondsLeft * 1000)} left`]),
  ].join(' · ');
};

const number = (value: number): string => value.toLocaleString('en');

const differenceLines = ({ differences }: RebuildStatus): string[] =>
  differences.map(({ model, changed, added, missing, keys }) => {
    const counts = `${changed} changed, ${added} added, ${missing} missing`;
    return `${model} was served otherwise before: ${counts} (${keys.join(', ')})`;
  });

const refuseFailure = (status: RebuildStatus): void => {
  const { state, parked, problem } = status;
  const members = { rebuild: status };
  if (state === 'refused') {
    throw new CliError(EXIT.failed, 'rebuild-differs', differenceLines(status).join('\n'), {
      members,
      remedy:
        'The same code made both, so one of the two is not right, and what is served stayed. Look at them; to serve the new ones: shiplog rebuild --force',
    });
  }
  if (state !== 'done') {
    throw new CliError(EXIT.failed, `rebuild-${state}`, problem ?? `the rebuild was ${state}`, {
      members,
      remedy: 'What is served did not change. To try again: shiplog rebuild',
    });
  }
  if (parked.length === 0) return;
  const stuck = parked.map((one) => `${one.model} at event ${one.sequence}: ${one.problem}`);
  throw new CliError(EXIT.failed, 'read-model-parked', `not rebuilt: ${stuck.join('; ')}`, {
    members,
    remedy:
      'The others are rebuilt. This needs a version that can apply the event; see shiplog doctor',
  });
};

const tell = ({ out }: Invocation<RebuildOptions>, status: RebuildStatus): void => {
  out.json(status);
  const { state, models, problem, resumed } = status;
  if (state === 'none') return out.line('No rebuild since the platform started.');
  if (isUnderWay(status)) {
    return out.line(`${progressText(status)}${resumed ? ' (went on after a restart)' : ''}`);
  }
  out.line(
    `The last rebuild (${models.join(', ')}): ${state}${problem === null ? '' : `, ${problem}`}.`,
  );
  for (const line of differenceLines(status)) out.line(line);
};
