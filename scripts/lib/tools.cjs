'use strict';
const {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} = require('node:fs');
const { homedir } = require('node:os');
const { join } = require('node:path');
const { ask, which } = require('./run.cjs');
const debian = require('./debian.cjs');

const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'shiplog');
/** Programs that are one file. */
const BIN = join(CACHE, 'bin');
/** Folders `<packages>/root` with unpacked packages, and `<packages>/bin` with programs that run from there. */
const UNPACKED = join(CACHE, 'unpacked');

const unpackedBins = () =>
  existsSync(UNPACKED) ? readdirSync(UNPACKED).map((name) => join(UNPACKED, name, 'bin')) : [];

/** The machine's own program, else the one that an earlier start unpacked. */
const findTool = (tool) => which(tool) ?? which(tool, unpackedBins());

/** The program itself, not what starts it from its unpacked folder: for whoever needs the file. */
const findProgram = (tool) =>
  which(tool) ??
  unpackedBins()
    .flatMap((bin) => ['usr/bin', 'usr/sbin'].map((part) => join(bin, '../root', part, tool)))
    .find((path) => existsSync(path));

/** PATH with the unpacked programs a machine lacks, behind its own. */
const pathWithTools = () =>
  [process.env.PATH ?? '', ...unpackedBins()].filter((part) => part !== '').join(':');

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** Starts a program from its unpacked folder; what it needs to know, only it and its children learn. */
const wrapperOf = (root, program) => {
  const libraries = ['usr/lib', 'lib']
    .map((folder) => join(root, folder))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => [
      ...readdirSync(folder)
        .filter((name) => name.endsWith('-linux-gnu'))
        .map((name) => join(folder, name)),
      folder,
    ]);
  return (finalRoot) => {
    const at = (path) => quoted(path.replace(root, finalRoot));
    return `#!/bin/sh
LD_LIBRARY_PATH=${libraries.map(at).join(':')}
GIT_EXEC_PATH=${at(join(root, 'usr/lib/git-core'))}
GIT_TEMPLATE_DIR=${at(join(root, 'usr/share/git-core/templates'))}
export LD_LIBRARY_PATH GIT_EXEC_PATH GIT_TEMPLATE_DIR
exec ${at(program)} "$@"
`;
  };
};

/**
 * Unpacks packages with what they need, for a user who may not install them, and puts the named programs
 * in place in one step, once each of them was seen to run.
 */
const unpackTools = async (packages, programs) => {
  mkdirSync(UNPACKED, { recursive: true });
  const final = join(UNPACKED, packages.toSorted().join('+'));
  const folder = mkdtempSync(join(CACHE, 'unpack-'));
  try {
    const root = await debian.unpackWithDependencies(packages, folder);
    mkdirSync(join(folder, 'bin'));
    for (const name of programs) {
      const program = ['usr/bin', 'usr/sbin', 'bin', 'sbin']
        .map((part) => join(root, part, name))
        .find((path) => existsSync(path));
      if (program === undefined) throw new Error(`the packages contain no program ${name}`);
      const wrapper = wrapperOf(root, program);
      const file = join(folder, 'bin', name);
      writeFileSync(file, wrapper(root));
      chmodSync(file, 0o755);
      if (ask(file, ['--version']) === undefined && ask(file, ['-v']) === undefined)
        throw new Error(`${name} was unpacked, but does not run here`);
      writeFileSync(file, wrapper(join(final, 'root')));
    }
    rmSync(final, { recursive: true, force: true });
    renameSync(folder, final);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

module.exports = {
  CACHE,
  BIN,
  UNPACKED,
  findTool,
  findProgram,
  pathWithTools,
  unpackedBins,
  unpackTools,
};
