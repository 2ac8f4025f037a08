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
  details:
    'Looks at this machine first, then asks the server: durability, settings and gaps of the log, lag, disks, modes of ' +
    'key files, backups, clocks. Exit code 0 when nothing failed; a warning does not fail.',
  examples: [['doctor', 'what was looked at, and what to do about what does not work']],
  onlyNow: 'Findings are measured now and not recorded.',
  run: async (invocation) => {
    const { out } = invocation;
    const here = await lookHere(invocation);
    const { findings: there, durability, exitCode } = await askServer(invocation);
    const findings = [...here, ...there];
    const ok = findings.every(({ state }) => state !== 'failed');
    out.json({ ok, durability, findings });
    showFindings(invocation, findings);
    if (exitCode !== EXIT.done) return exitCode;
    return ok ? EXIT.done : EXIT.failed;
  },
});

const HERE = 'this machine';

/** Grouped, in the order in which the groups come first; names in one column. */
const showFindings = (invocation: Invocation, findings: readonly Finding[]): void => {
  const { out } = invocation;
  const groups = [...new Set(findings.map(({ group }) => group))];
  const width = Math.max(...findings.map(({ name }) => printableLine(name).length));
  for (const group of groups) {
    out.line(out.colors.bold(headingOf(group)));
    const inside = findings.filter((one) => one.group === group);
    for (const finding of inside) showFinding(invocation, finding, width);
    out.line();
  }
  const count = (state: Finding['state']): number =>
    findings.filter((one) => one.state === state).length;
  const [failed, warned] = [count('failed'), count('warning')];
  out.line(
    failed + warned === 0
      ? `All ${findings.length} looks found nothing wrong.`
      : `${failed} failed, ${warned} to look at, ${findings.length - failed - warned} fine.`,
  );
};

const headingOf = (group: string): string => {
  const shown = printableLine(group);
  return `${shown.charAt(0).toUpperCase()}${shown.slice(1)}`;
};

const showFinding = (
  { out }: Invocation,
  { name, state, summary, remedy }: Finding,
  width: number,
): void => {
  const { colors } = out;
  const mark = { ok: colors.green('✓'), warning: colors.yellow('!'), failed: colors.red('✗') }[
    state
  ];
  out.line(`  ${mark} ${printableLine(name).padEnd(width)}  ${printableLine(summary)}`);
  if (remedy !== null && state !== 'ok') {
    out.line(`    ${' '.repeat(width)}  ${colors.dim('→')} ${printableLine(remedy)}`);
  }
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
        group: HERE,
        state: 'ok',
        summary: `${target.url} (from ${target.source})`,
        remedy: null,
      },
    ];
  if (ready === undefined) {
    return [
      {
        name: 'control plane',
        group: HERE,
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
      group: HERE,
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
      group: HERE,
      state: 'failed',
      summary: detail,
      remedy: remedy ?? null,
    };
    return { findings: [finding], durability: null, exitCode: exitCodeOf(error) };
  }
};
