import type { CausalStep } from '@shiplog/api-client';
import { defineCommand, type Invocation } from '../command.js';
import { printableLine } from '../render/printable.js';
import { branches } from '../render/tree.js';

export const why = defineCommand({
  name: 'why',
  args: [['<subject>', 'an instance, a release (v3), a host, a port, or a config key']],
  summary: 'why something is there: from the person down to the route',
  details:
    'What led to it and what came of it: person, command, build, release, rollout, instance, container, route. ' +
    'Releases and config keys need the app (-a); instances, hosts and ports do not.',
  examples: [
    ['why i-3f2a', 'an instance, from `shiplog ps`'],
    ['why v3 -a shop', 'a release, and everything that runs of it'],
    ['why DATABASE_URL -a shop', 'who set it last, and what was made anew'],
    ['why www.example.com --at 2d', 'a host, as it was two days ago'],
    ['why 32100', 'a TCP port: who added it, and whom it leads to'],
  ],
  takes: ['app', 'at'],
  run: async (invocation) => {
    const { args, options, client, read, out } = invocation;
    const of = args[0] ?? '';
    const app = needsApp(of) || options.app !== undefined ? await invocation.app() : undefined;
    const causes = await (await client()).why({ of, ...(app !== undefined && { app }), ...read });
    out.json(causes);
    for (const [branch, step] of branches(causes.steps)) {
      out.line(`${out.colors.dim(branch)}${stepText(step, out.colors)}`);
    }
  },
});

/** Ids of instances have a dash, hosts a dot; neither can be the name of a release or of a config key. */
const needsApp = (of: string): boolean => /^v\d+$/.test(of) || /^[A-Za-z_][A-Za-z0-9_]*$/.test(of);

const stepText = (step: CausalStep, colors: Invocation['out']['colors']): string => {
  const { kind, id, text, state, actor, reason, time, sequence } = step;
  const safe = printableLine(text);
  const what =
    kind === 'actor'
      ? colors.bold(safe)
      : kind === 'command'
        ? `${safe} ${colors.dim(`by ${printableLine(actor ?? '')}`)}`
        : `${kind} ${colors.bold(printableLine(id))}${safe === '' ? '' : ` ${safe}`}`;
  const why = reason === null ? '' : ` ${colors.yellow(`(${printableLine(reason)})`)}`;
  const how = state === null ? '' : `, ${printableLine(state)}`;
  const when =
    time === null ? '' : colors.dim(`  ${time.slice(0, 19).replace('T', ' ')} ${sequence ?? ''}`);
  return `${what}${how}${why}${when}${step.asked ? colors.green('  <-- this') : ''}`;
};
