// What linters do not know, checked over the files that git tracks. Each rule says what is right.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const tracked = execFileSync('git', ['ls-files'], { encoding: 'utf8' })
  .trim()
  .split('\n')
  .filter(existsSync);
const source = tracked.filter((file) => /^(apps|libs)\/.*\.ts$/.test(file));
const text = (file) => readFileSync(file, 'utf8');
const problems = [];
const say = (file, what) => problems.push(`${file}: ${what}`);

for (const file of source) {
  if (/\b(FIXME|XXX)\b/.test(text(file))) say(file, 'mend it before it reaches main');
  if (/\b(it|test|describe)\.(skip|only|todo)\(/.test(text(file)))
    say(file, 'a skipped test is a failure');
  if (/\/(utils|common|helpers|core|shared|services)\//.test(file))
    say(file, 'name the folder by its noun');
}

// Every port has a contract, and both the fake and the real adapter run it.
for (const port of source.filter((file) => file.endsWith('.port.ts'))) {
  const noun = basename(port, '.port.ts');
  const library = port.split('/').slice(0, 2).join('/');
  const contract = source.find(
    (file) => file.startsWith(library) && basename(file) === `${noun}.contract.ts`,
  );
  if (contract === undefined) {
    say(port, `a port needs ${noun}.contract.ts`);
    continue;
  }
  const name = /export const (describe\w+)/.exec(text(contract))?.[1];
  const users = source.filter(
    (file) => file.endsWith('.spec.ts') && name !== undefined && text(file).includes(`${name}(`),
  );
  if (!users.some((file) => file.endsWith('.int.spec.ts')))
    say(contract, 'no real adapter runs this contract');
  if (!users.some((file) => !file.endsWith('.int.spec.ts')))
    say(contract, 'the fake does not run this contract');
}

// Every dependency rule is explained where a newcomer reads.
const architecture = existsSync('ARCHITECTURE.md') ? text('ARCHITECTURE.md') : '';
for (const [, rule] of text('.dependency-cruiser.cjs').matchAll(/name: '([a-z-]+)'/g)) {
  if (!architecture.includes(rule))
    say('ARCHITECTURE.md', `does not explain the invariant ${rule}`);
}

// Documents: one first heading, and no dead link into this repository.
for (const file of tracked.filter((name) => name.endsWith('.md'))) {
  // Code is no prose: a pattern in it may look like a link.
  const body = text(file)
    .replace(/```[\s\S]*?```/g, '')
    .replace(/`[^`\n]*`/g, '');
  if ((body.match(/^# /gm) ?? []).length !== 1)
    say(file, 'a document has exactly one first-level heading');
  for (const [, link] of body.matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)(?:#[^)]*)?\)/g)) {
    if (!existsSync(join(dirname(file), link))) say(file, `dead link to ${link}`);
  }
}

// Files that a document names are there: programs to run, as they are or as they are built, and paths in code.
const isThere = (path) =>
  tracked.some((file) => file === path || file.startsWith(`${path.replace(/\/$/, '')}/`));
for (const file of tracked.filter((name) => name.endsWith('.md'))) {
  const programs = text(file).matchAll(/\bnode ([\w.-]+\/[\w/.-]+\.[cm]?js)\b/g);
  const paths = text(file).matchAll(
    /`((?:apps|deploy|docs|libs|samples|scripts|test|tools)\/[\w/.-]+)`/g,
  );
  for (const [, path] of [...programs, ...paths]) {
    const source = path.replace('/dist/', '/src/').replace(/\.js$/, '.ts');
    if (!isThere(path) && !isThere(source)) say(file, `there is no ${path}`);
  }
}

// Nothing of one machine or one mirror is written down.
for (const file of tracked.filter(
  (name) => name !== 'package-lock.json' && /\.(ts|cjs|mjs|json|yml|md|sh)$|Dockerfile/.test(name),
)) {
  if (/https?:\/\/(deb|registry|security)\.[a-z]+\.(org|com)/.test(text(file)))
    say(file, 'names a registry or mirror');
}

for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? 'tidy' : `${problems.length} to mend`);
process.exitCode = problems.length === 0 ? 0 : 1;
