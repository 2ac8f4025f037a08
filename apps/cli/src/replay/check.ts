import { defineCommand, type Invocation } from '../command.js';
import { readLocalPlatform } from '../connection/local-platform.js';
import { resolveConnection } from '../connection/resolve-connection.js';
import { CliError, EXIT } from '../exit-code.js';
import { createProgressLine } from '../progress/progress-view.js';
import { printableLine } from '../render/printable.js';
import { runCheckProgram, type CheckResult, type Difference } from './check-program.js';

const SHOWN = 200;
const VALUE_CHARACTERS_MAX = 60;

export const check = defineCommand({
  name: 'check',
  summary: 'what this version makes of the log, compared with what runs',
  details:
    'Before an upgrade: run it from the checkout of the new version, on the machine of the running platform and as ' +
    'its user. The code of this checkout folds the whole log in memory and compares every document with what the ' +
    'platform serves: model, key, field, the old value and the new one. It reads, and changes nothing. Exit code 0: ' +
    'no difference; 1: there are.',
  examples: [
    ['replay check', 'this machine’s platform'],
    ['replay check --json | jq .differences', 'for programs'],
  ],
  run: async (invocation) => {
    const { io, out } = invocation;
    const place = await placeOf(invocation);
    const line = createProgressLine(io, out);
    const startedAt = io.now();
    let result: CheckResult;
    try {
      result = await runCheckProgram(io, place, (done, total) => {
        if (io.now() - startedAt >= 1_000) line.show(progressText(done, total));
      });
    } finally {
      line.close();
    }
    const { differences, failures, at, documents, from } = result;
    out.json(result);
    if (from === 'log') {
      out.note(
        'The platform is busy: compared with what its code makes of the log, not with its tables.',
      );
    }
    for (const { model, sequence, problem } of failures) {
      const text = `${model} cannot be made: at event ${sequence}: ${problem}`;
      out.line(out.colors.red(printableLine(text)));
    }
    for (const one of differences.slice(0, SHOWN)) out.line(differenceText(one, out.colors));
    if (differences.length > SHOWN) out.line(`… and ${differences.length - SHOWN} more: --json`);
    const count = differences.length + failures.length;
    const found = count === 0 ? 'No difference' : `${count} difference${count === 1 ? '' : 's'}`;
    out.line(`${found} in ${documents} documents at ${at}.`);
    return count === 0 ? EXIT.done : EXIT.failed;
  },
});

/** The platform of this machine, since its log is read, too; or the one that the environment names. */
const placeOf = async ({ io }: Invocation) => {
  const { home, ready, isAlive, token } = await readLocalPlatform(io);
  if ((io.env['SHIPLOG_URL'] ?? '') !== '') return { home, ...(await resolveConnection(io)) };
  if (ready === undefined || !isAlive) {
    throw new CliError(EXIT.unreachable, 'unreachable', `no Shiplog of ${home} is running`, {
      remedy:
        'The check compares with what runs. Start the platform, or name its data directory: SHIPLOG_HOME=…',
    });
  }
  if (token === undefined) {
    throw new CliError(
      EXIT.refused,
      'unauthenticated',
      `${home}/credentials.json is not yours to read`,
      { remedy: 'Run it as the user that started the platform.' },
    );
  }
  return { home, url: ready.api, token };
};

const progressText = (done: number, total: number): string => {
  const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
  const number = (value: number): string => value.toLocaleString('en');
  return `folding ${percent} % · ${number(done)} of ${number(total)} commits`;
};

const differenceText = (
  { model, key, field, old, new: now }: Difference,
  colors: Invocation['out']['colors'],
): string => {
  const place = `${model} ${key}${field === null ? '' : ` ${field}`}`;
  const values = `${colors.red(valueText(old))} → ${colors.green(valueText(now))}`;
  return `${printableLine(place)}: ${values}`;
};

const valueText = (value: unknown): string => {
  if (value === undefined) return '(nothing)';
  const text = printableLine(JSON.stringify(value));
  return text.length > VALUE_CHARACTERS_MAX ? `${text.slice(0, VALUE_CHARACTERS_MAX)}…` : text;
};
