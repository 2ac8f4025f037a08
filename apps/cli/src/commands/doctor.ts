import type { Diagnosis, Finding } from '@shiplog/api-client';
import { defineCommand, type Invocation } from '../command.js';
import { readLocalPlatform } from '../connection/local-platform.js';
import { resolveConnection, sameOrigin } from '../connection/resolve-connection.js';
import { EXIT, exitCodeOf } from '../exit-code.js';
import { problemOf } from '../render/error.js';
import { printableLine } from '../render/printable.js';

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'find out what is wrong',
  details: 'Looks at this machine first, then asks the server. Exit code 0 when nothing failed.',
  examples: [['doctor', 'what was looked at, and what to do about what does not work']],
  onlyNow: 'Findings are measured now and not recorded.',
  run: async (invocation) => {
    const { out } = invocation;
    const here = await lookHere(invocation);
    const { findings: there, durability, exitCode } = await askServer(invocation);
    const findings = [...here, ...there];
    const ok = findings.every(({ state }) => state !== 'failed');
    out.json({ ok, durability, findings });
    for (const finding of findings) showFinding(invocation, finding);
    if (durability !== null) out.line(`Durability: ${printableLine(durability)}`);
    if (exitCode !== EXIT.done) return exitCode;
    return ok ? EXIT.done : EXIT.failed;
  },
});

const showFinding = ({ out }: Invocation, { name, state, summary, remedy }: Finding): void => {
  const { colors } = out;
  const mark = { ok: colors.green('✓'), warning: colors.yellow('!'), failed: colors.red('✗') }[
    state
  ];
  out.line(`${mark} ${printableLine(name)}: ${printableLine(summary)}`);
  if (remedy !== null && state !== 'ok') out.line(`    ${printableLine(remedy)}`);
};

/** What can be seen without the server, above all why it may not answer. */
const lookHere = async ({ io }: Invocation): Promise<readonly Finding[]> => {
  const { home, ready, isAlive } = await readLocalPlatform(io);
  const target = await resolveConnection(io).catch(() => undefined);
  const isElsewhere =
    target !== undefined && (ready === undefined || !sameOrigin(target.url, ready.api));
  if (isElsewhere)
    return [
      {
        name: 'target',
        state: 'ok',
        summary: `${target.url} (from ${target.source})`,
        remedy: null,
      },
    ];
  if (ready === undefined) {
    return [
      {
        name: 'control plane',
        state: 'failed',
        summary: `not running on this machine: no ready.json in ${home}`,
        remedy: 'Start it: npm start',
      },
    ];
  }
  const summary = isAlive
    ? `process ${ready.pid}, version ${ready.version ?? 'unknown'}, ${ready.api}`
    : `process ${ready.pid} of ${home}/ready.json has ended`;
  return [
    {
      name: 'control plane',
      state: isAlive ? 'ok' : 'failed',
      summary,
      remedy: isAlive ? null : 'Start it again: npm start. Running apps keep serving meanwhile.',
    },
  ];
};

interface Asked {
  readonly findings: readonly Finding[];
  readonly durability: string | null;
  readonly exitCode: number;
}

const askServer = async ({ client }: Invocation): Promise<Asked> => {
  try {
    const diagnosis: Diagnosis = await (await client()).platform.doctor();
    return { ...diagnosis, exitCode: EXIT.done };
  } catch (error) {
    const { detail = '', remedy } = problemOf(error);
    const finding: Finding = {
      name: 'api',
      state: 'failed',
      summary: detail,
      remedy: remedy ?? null,
    };
    return { findings: [finding], durability: null, exitCode: exitCodeOf(error) };
  }
};
