import { describe, expect, it } from 'vitest';
import { CATALOGUE } from './catalogue.js';
import { runCli } from './testing/run-cli.js';

const visible = CATALOGUE.filter(({ hidden }) => hidden !== true);

describe('help', () => {
  it('lists every command', async () => {
    const { code, stdout } = await runCli(['--help']);
    expect(code).toBe(0);
    for (const { name, summary } of visible)
      expect(stdout).toContain(`${name} `.padEnd(16) + summary);
    expect(stdout).not.toContain('__complete');
  });

  it('is what comes without a command', async () => {
    const { code, stdout } = await runCli([]);
    expect(code).toBe(0);
    expect(stdout).toContain('Usage: shiplog');
  });

  it.each(visible.map(({ name }) => name))(
    'of %s has examples, and so have its verbs',
    async (name) => {
      const { code, stdout } = await runCli([name, '--help']);
      expect(code).toBe(0);
      expect(stdout).toContain('Examples:\n  $ shiplog ');
      expect((await runCli(['help', name])).stdout).toBe(stdout);
      const loaded = await CATALOGUE.find((entry) => entry.name === name)?.load();
      if (loaded === undefined || !('commands' in loaded)) return;
      for (const verb of loaded.commands) {
        const help = await runCli([name, verb.name, '--help']);
        expect(help.stdout).toContain('Examples:\n  $ shiplog ');
        expect(help.stdout).toContain('--json');
      }
    },
  );

  it('of a command that does not exist is wrong usage', async () => {
    const run = await runCli(['help', 'aps']);
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain("unknown command 'aps'");
    expect(run.stderr).toContain('Did you mean apps?');
  });

  it('of every command says the same as the list', async () => {
    for (const entry of CATALOGUE) {
      const loaded = await entry.load();
      expect(loaded.name).toBe(entry.name);
      expect('commands' in loaded).toBe(entry.isGroup);
    }
  });

  it('prints the version', async () => {
    expect(await runCli(['--version'])).toEqual({ code: 0, stdout: '0.1.0\n', stderr: '' });
  });
});
