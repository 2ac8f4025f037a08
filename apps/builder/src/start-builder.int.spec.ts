import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tarOf, tarOfApp, tarOfHeaders } from './testing/source-archives.js';
import { TestBuilder } from './testing/test-builder.js';

const manifest = (more: object): string =>
  JSON.stringify({ name: 'app', version: '1.0.0', ...more });

describe('a builder with a real engine', () => {
  let builder: TestBuilder;
  beforeAll(async () => {
    builder = await TestBuilder.start(`builder-test-${process.pid}`);
    await builder.createApp('a1');
  });
  afterAll(async () => builder.destroy());

  it('builds a Node.js app that runs as a user without rights', async () => {
    const id = await builder.requestSource('a1', await tarOfApp('node-hello'));
    const { image, processes } = await builder.succeeded(id);
    expect(Object.keys(processes)).toEqual(['web', 'worker']);
    expect(processes['web']).toEqual({ command: ['node', 'server.js'] });
    expect(image.exposedPorts).toEqual([]);
    expect(image.ref).toBe(`${builder.context.config.platform}/a1:${id}`);
    expect(await builder.runIn(image.id, ['sh', '-c', 'id -un; pwd; echo $NODE_ENV; ls -1'])).toBe(
      'node\n/app\nproduction\nProcfile\nnode_modules\npackage-lock.json\npackage.json\nserver.js',
    );
    expect(await builder.output(id)).toMatch(/Installing dependencies \(npm ci\)/);
  });

  it('builds the sample', async () => {
    const id = await builder.requestSource('a1', await tarOfApp('sample'));
    const { image } = await builder.succeeded(id);
    expect(await builder.runIn(image.id, ['node', '--check', 'server.js'])).toBe('');
  });

  it('builds a Dockerfile, with the port it exposes', async () => {
    const id = await builder.requestSource('a1', await tarOfApp('dockerfile-app'));
    const { image, processes } = await builder.succeeded(id);
    expect(processes).toEqual({ web: { command: null } });
    expect(image.exposedPorts).toEqual([3000]);
  });

  it('leaves out of the image what .dockerignore names', async () => {
    const source = {
      Dockerfile: 'FROM shiplog-stack/node\nWORKDIR /app\nCOPY . .\n',
      '.dockerignore': '.env\nnode_modules\n!node_modules/kept\n',
      '.env': 'SECRET=1',
      'node_modules/a': '',
      'node_modules/kept': '',
      'a.js': '',
    };
    const id = await builder.requestSource('a1', tarOf(source));
    const { image } = await builder.succeeded(id);
    expect(await builder.runIn(image.id, ['find', '-type', 'f'])).not.toMatch(/\.env|modules\/a/);
    expect(await builder.runIn(image.id, ['ls', 'node_modules'])).toBe('kept');
  });

  it('runs the build script with development dependencies, and takes them out again', async () => {
    const source = {
      'package.json': manifest({
        scripts: { build: 'node build.js', start: 'node dist/server.js' },
        dependencies: { ms: '2.1.3' },
        devDependencies: { picocolors: '1.1.1' },
      }),
      'build.js':
        "require('picocolors'); require('fs').mkdirSync('dist'); require('fs').writeFileSync('dist/server.js', '1'); console.log('built in', process.env.NODE_ENV);",
    };
    const id = await builder.requestSource('a1', tarOf(source));
    const { image } = await builder.succeeded(id);
    expect(await builder.output(id)).toMatch(/built in production/);
    expect(await builder.output(id)).toMatch(/Note: There is no lock file/);
    expect(await builder.runIn(image.id, ['ls', 'node_modules', 'dist'])).toBe(
      'dist:\nserver.js\n\nnode_modules:\nms',
    );
    // Which registry this machine uses is its own affair.
    const notes = ['package-lock.json', 'node_modules/.package-lock.json'];
    expect(await builder.runIn(image.id, ['cat', ...notes])).not.toMatch(/resolved|https?:/);
  });

  it('uses the installed dependencies again when only the source changed', async () => {
    const files = (text: string) => ({
      'package.json': manifest({ dependencies: { ms: '2.1.3' }, scripts: { start: 'node a.js' } }),
      'a.js': text,
    });
    await builder.succeeded(await builder.requestSource('a1', tarOf(files('1'))));
    const second = await builder.requestSource('a1', tarOf(files('2')));
    const { image } = await builder.succeeded(second);
    expect(await builder.output(second)).toMatch(/unchanged, not run again/);
    expect(await builder.runIn(image.id, ['cat', 'a.js'])).toBe('2');
    expect(await builder.runIn(image.id, ['ls', 'node_modules'])).toBe('ms');
  });

  it('compiles native modules', async () => {
    const source = {
      'package.json': manifest({ gypfile: true, scripts: { start: 'node run.js' } }),
      'binding.gyp': "{'targets': [{'target_name': 'addon', 'sources': ['addon.c']}]}",
      'addon.c':
        '#include <node_api.h>\nNAPI_MODULE_INIT() { napi_value v; napi_create_int32(env, 42, &v); napi_set_named_property(env, exports, "answer", v); return exports; }\n',
      'run.js': "console.log(String(require('./build/Release/addon.node').answer))",
    };
    const id = await builder.requestSource('a1', tarOf(source));
    const { image, processes } = await builder.succeeded(id, 300_000);
    expect(await builder.runIn(image.id, processes['web']?.command ?? [])).toBe('42');
    // The compilers stay behind.
    expect(await builder.runIn(image.id, ['sh', '-c', 'which gcc make python3 || echo none'])).toBe(
      'none',
    );
  }, 300_000);

  it('explains a build script that fails', async () => {
    const explanation = await builder.failed(
      await builder.requestSource('a1', await tarOfApp('broken-build')),
    );
    expect(explanation).toMatchObject({
      code: 'build-failed',
      exitCode: 3,
      oomKilled: false,
      summary: 'The build failed at "npm run build" with exit code 3.',
    });
    expect(explanation.logLines.join('\n')).toContain('the semicolon is missing');
  });

  it('explains a lock file that does not fit', async () => {
    const source = {
      'package.json': manifest({ dependencies: { ms: '2.1.3' }, scripts: { start: 'node a.js' } }),
      'package-lock.json': JSON.stringify({
        name: 'app',
        lockfileVersion: 3,
        packages: { '': {} },
      }),
      'a.js': '1',
    };
    const explanation = await builder.failed(await builder.requestSource('a1', tarOf(source)));
    expect(explanation.summary).toContain('npm ci');
    expect(explanation.remedy).toContain('commit package-lock.json');
    // npm's manual page does not bury the error.
    expect(explanation.logLines.length).toBeLessThan(15);
  });

  it('explains a source that has nothing to build, and another Node.js than there is', async () => {
    const nothing = await builder.requestSource('a1', tarOf({ 'main.py': 'print(1)' }));
    expect((await builder.failed(nothing)).summary).toMatch(
      /neither a Dockerfile nor a package.json/,
    );
    const old = tarOf({
      'package.json': manifest({ engines: { node: '12.x' }, scripts: { start: 'node a.js' } }),
    });
    expect((await builder.failed(await builder.requestSource('a1', old))).summary).toContain(
      process.versions.node,
    );
  });

  it('explains an image that is nowhere', async () => {
    const ref = 'registry.invalid/team/app:1';
    const explanation = await builder.failed(await builder.request('a1', { kind: 'image', ref }));
    expect(explanation).toMatchObject({ code: 'image-not-found' });
    expect(explanation.summary).toContain(ref);
  });

  it('takes an image that this machine has', async () => {
    const built = await builder.succeeded(
      await builder.requestSource('a1', await tarOfApp('dockerfile-app')),
    );
    const id = await builder.request('a1', { kind: 'image', ref: built.image.ref });
    expect((await builder.succeeded(id)).image).toMatchObject({
      id: built.image.id,
      exposedPorts: [3000],
    });
  });

  it('ends a running build at once when that is asked for', async () => {
    const source = {
      'package.json': manifest({ scripts: { build: 'echo sleeping && sleep 300', start: 'x' } }),
    };
    const id = await builder.requestSource('a1', tarOf(source));
    await builder.until('the build step to run', () =>
      builder.hasHeard(id, /^ {2}sleeping/m) ? true : undefined,
    );
    const containers = await builder.stepContainers(id);
    expect(containers.length).toBeGreaterThan(0);
    await builder.handle('a1', { type: 'CancelBuild', buildId: id });
    expect((await builder.ended(id, 10_000)).status).toBe('cancelled');
    expect(await builder.stillThere(containers)).toEqual([]);
  });

  it('takes up again what was running when it was stopped, and builds it once', async () => {
    const source = {
      'package.json': manifest({ scripts: { build: 'echo started; sleep 2', start: 'node a.js' } }),
    };
    const id = await builder.requestSource('a1', tarOf(source));
    await builder.until('the build step to run', () =>
      builder.hasHeard(id, /^ {2}started/m) ? true : undefined,
    );
    await builder.pause();
    expect(builder.state(id)).toBe('running');
    await builder.resume();
    await builder.succeeded(id);
    expect(await builder.output(id)).toContain('the builder was interrupted');
  });

  it('explains a base image that cannot be had', async () => {
    const source = { Dockerfile: 'FROM registry.invalid/base:1\nRUN true\n' };
    const explanation = await builder.failed(await builder.requestSource('a1', tarOf(source)));
    expect(explanation.summary).toContain('registry.invalid/base:1');
    expect(explanation.remedy).toContain('FROM shiplog-stack/node');
  });

  it('explains a Dockerfile that cannot be read and a step of it that fails', async () => {
    const unreadable = await builder.requestSource('a1', tarOf({ Dockerfile: 'FORM scratch\n' }));
    expect((await builder.failed(unreadable)).summary).toMatch(/unknown instruction: FORM/i);
    const failing = { Dockerfile: 'FROM shiplog-stack/node\nRUN echo no luck && exit 7\n' };
    const explanation = await builder.failed(await builder.requestSource('a1', tarOf(failing)));
    expect(explanation).toMatchObject({ exitCode: 7, code: 'build-failed' });
    expect(explanation.summary).toContain('RUN echo no luck && exit 7');
  });

  it('refuses sources that reach out of their tree', async () => {
    const evil = [
      { name: '../evil', type: 'file' },
      { name: '/etc/evil', type: 'file' },
      { name: 'link', type: 'symlink', linkname: '/etc' },
      { name: 'device', type: 'character-device' },
    ] as const;
    for (const header of evil) {
      const id = await builder.requestSource('a1', tarOfHeaders([header]));
      expect((await builder.failed(id)).summary).toMatch(/The (source|symbolic link)/);
    }
    const noArchive = await builder.requestSource('a1', Readable.from([Buffer.from('no tar')]));
    expect((await builder.failed(noArchive)).summary).toMatch(/not a complete tar archive/);
  });

  it('builds a gzipped source', async () => {
    const source = (await tarOfApp('dockerfile-app')).pipe(createGzip());
    await builder.succeeded(await builder.requestSource('a1', source));
  });
});

describe('limits of a build', () => {
  let builder: TestBuilder;
  beforeAll(async () => {
    builder = await TestBuilder.start(`builder-limits-${process.pid}`, {
      limits: { timeMs: 20_000, memoryBytes: 96 * 1024 ** 2 },
    });
    await builder.createApp('a1');
  });
  afterAll(async () => builder.destroy());

  it('end a step that takes too much memory', async () => {
    const source = {
      Dockerfile:
        'FROM shiplog-stack/node\nRUN ["node", "-e", "for (const a = [];;) a.push(Buffer.alloc(16777216, 1))"]\n',
    };
    const explanation = await builder.failed(await builder.requestSource('a1', tarOf(source)));
    expect(explanation).toMatchObject({ oomKilled: true, exitCode: 137 });
    expect(explanation.summary).toMatch(/more than the 96 MB/);
  });

  it('end a build that takes too long', async () => {
    const source = { Dockerfile: 'FROM shiplog-stack/node\nRUN sleep 600\n' };
    const id = await builder.requestSource('a1', tarOf(source));
    expect((await builder.failed(id)).summary).toMatch(/longer than its time limit of 0.3 minutes/);
  });
});

describe('without an engine', () => {
  let builder: TestBuilder;
  beforeAll(async () => {
    builder = await TestBuilder.start(
      `builder-alone-${process.pid}`,
      { engineWaitMs: 500 },
      { SHIPLOG_ENGINE: 'unix:///nowhere/docker.sock' },
    );
    await builder.createApp('a1');
  });
  afterAll(async () => builder.destroy());

  it('a build waits a while and then says so', async () => {
    const id = await builder.requestSource('a1', await tarOfApp('dockerfile-app'));
    expect(await builder.failed(id)).toMatchObject({ code: 'engine-unavailable' });
  });
});
