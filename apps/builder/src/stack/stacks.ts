import type Docker from 'dockerode';
import { askEngine } from '../engine/engine-errors.js';
import { pullImage, saysNotThere } from '../engine/pull.js';
import { inspectImage } from '../engine/images.js';
import { satisfies } from '../recipes/version-range.js';
import { SourceRefusedError } from '../sources/source-refused.js';
import { ToolchainUnavailableError, writeCompilers } from './debian-packages.js';
import { importImage, stackRef, type StackImage } from './import-image.js';
import { nodeHeaders, nodeRootFiles } from './node-root.js';
import { tagFor } from './node-versions.js';
import { hashOf, writeRootFiles, type RootFile } from './root-files.js';

/** An image that Node.js apps are built in and run on. It has a user `node` (1000), npm and a shell. */
export interface Stack {
  readonly ref: string;
  readonly nodeVersion: string;
}

interface StackWish {
  /** `engines.node` of the app. */
  readonly engines: string | null;
  /** Compilers, make, Python. */
  readonly compilers: boolean;
}

interface StacksOptions {
  readonly engine: Docker;
  /** For packages on their way into an image. */
  readonly scratch: string;
  /** The machine's own node; default: the one that runs this. */
  readonly nodePath?: string;
  readonly nodeVersion?: string;
  readonly now?: () => number;
}

interface StackListener {
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

/** A registry that did not answer is not asked again for this long. */
const REGISTRY_RETRY_MS = 15 * 60_000;
/** Part of every hash: raise it when what is put into the images changes. */
const RECIPE_VERSION = '3';
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Base images of Node.js apps: from a registry where one answers, else made from this machine's files. */
export class Stacks {
  private readonly engine: Docker;
  private readonly nodePath: string;
  private readonly nodeVersion: string;
  private readonly now: () => number;
  private registryRetryAt = 0;
  private rootFiles: Promise<readonly RootFile[]> | undefined;
  private readonly making = new Map<string, Promise<void>>();

  constructor(private readonly options: StacksOptions) {
    this.engine = options.engine;
    this.nodePath = options.nodePath ?? process.execPath;
    this.nodeVersion = options.nodeVersion ?? process.versions.node;
    this.now = options.now ?? Date.now;
  }

  async obtain(wish: StackWish, listener: StackListener): Promise<Stack> {
    const official = await this.official(wish, listener);
    if (official !== undefined) return official;
    this.refuseOtherVersions(wish.engines);
    return this.fromMachine(wish.compilers, listener);
  }

  /** Makes the image that a Dockerfile names: `shiplog-stack/node`, with this machine's Node.js. */
  async provide(compilers: boolean, listener: StackListener): Promise<void> {
    await this.fromMachine(compilers, listener);
  }

  private async official(wish: StackWish, listener: StackListener): Promise<Stack | undefined> {
    const tag = tagFor(wish.engines, this.nodeVersion);
    if (tag === undefined) return undefined;
    const ref = `node:${tag}-bookworm${wish.compilers ? '' : '-slim'}`;
    const found = (await inspectImage(this.engine, ref)) ?? (await this.pull(ref, listener));
    const version = found?.Config.Env?.find((line) => line.startsWith('NODE_VERSION='))?.slice(13);
    const fits =
      version !== undefined && (wish.engines === null || satisfies(version, wish.engines) === true);
    return fits ? { ref, nodeVersion: version } : undefined;
  }

  private async pull(
    ref: string,
    { signal, onLine }: StackListener,
  ): Promise<Docker.ImageInspectInfo | undefined> {
    if (this.now() < this.registryRetryAt) return undefined;
    const pulled = await pullImage(this.engine, ref, signal, onLine);
    if (pulled.outcome === 'pulled') return inspectImage(this.engine, ref);
    if (!saysNotThere(pulled.why)) this.registryRetryAt = this.now() + REGISTRY_RETRY_MS;
    return undefined;
  }

  private refuseOtherVersions(engines: string | null): void {
    if (engines === null || satisfies(this.nodeVersion, engines) === true) return;
    throw new SourceRefusedError(
      satisfies(this.nodeVersion, engines) === undefined
        ? `"engines.node" in package.json is not a version range: "${engines.slice(0, 100)}".`
        : `package.json asks for Node.js "${engines.slice(0, 100)}"; available here is ${this.nodeVersion}, because ${this.whyNoOther()}.`,
      `Set "engines": {"node": "${this.nodeVersion.split('.')[0]}.x"} in package.json, or use a Dockerfile with an image that this machine has.`,
    );
  }

  private whyNoOther(): string {
    return this.now() < this.registryRetryAt
      ? 'no container registry answers'
      : 'the container registry has no image of node for that';
  }

  private async fromMachine(compilers: boolean, listener: StackListener): Promise<Stack> {
    // Looked up once: a platform that runs on another node is another process.
    this.rootFiles ??= nodeRootFiles(this.nodePath);
    const files = await this.rootFiles.catch((error: unknown) => {
      this.rootFiles = undefined;
      throw error;
    });
    const stack = compilers
      ? await this.withCompilers(files, listener)
      : await this.plain(files, listener);
    await this.nameForDockerfiles(stack);
    return { ref: stack, nodeVersion: this.nodeVersion };
  }

  private async plain(files: readonly RootFile[], listener: StackListener): Promise<string> {
    const image = this.imageOf('node', hashOf(files, RECIPE_VERSION), {});
    await this.make(image, listener, async () => {
      listener.onLine(`Making a base image from this machine's Node.js ${this.nodeVersion}.`);
      await importImage(this.engine, image, (out) => writeRootFiles(out, files), listener.signal);
    });
    return stackRef(image);
  }

  private async withCompilers(
    files: readonly RootFile[],
    listener: StackListener,
  ): Promise<string> {
    const headers = await nodeHeaders(this.nodePath);
    if (headers === undefined) {
      throw new ToolchainUnavailableError(
        `the headers of this machine's Node.js ${this.nodeVersion} are missing`,
      );
    }
    const hash = hashOf([...files, ...headers], RECIPE_VERSION, 'compilers');
    const image = this.imageOf('node-compilers', hash, { npm_config_nodedir: '/usr/local' });
    await this.make(image, listener, async () => {
      listener.onLine('Making a base image with compilers; this takes about a minute, once.');
      const fill: Parameters<typeof importImage>[2] = async (out) => {
        // Packages first: their C library and their compilers are of one version.
        await writeCompilers(out, this.options.scratch, listener.signal);
        await writeRootFiles(out, [...ALIASES, ...files, ...headers]);
      };
      await importImage(this.engine, image, fill, listener.signal);
    });
    return stackRef(image);
  }

  /** `shiplog-stack/node:20` and `shiplog-stack/node`: names that do not change with every update. */
  private async nameForDockerfiles(ref: string): Promise<void> {
    const repo = ref.slice(0, ref.lastIndexOf(':'));
    const image = this.engine.getImage(ref);
    for (const tag of [this.nodeVersion.split('.')[0], 'latest']) {
      await askEngine('naming a base image', () => image.tag({ repo, tag }));
    }
  }

  private imageOf(name: string, hash: string, more: Record<string, string>): StackImage {
    return { name, hash, environment: { PATH, NODE_VERSION: this.nodeVersion, ...more } };
  }

  /** Two builds at once make an image once. */
  private async make(
    image: StackImage,
    { signal }: StackListener,
    work: () => Promise<void>,
  ): Promise<void> {
    const ref = stackRef(image);
    for (let other = this.making.get(ref); other !== undefined; other = this.making.get(ref)) {
      // What went wrong there is not this build's affair: it tries for itself.
      await other.catch(() => undefined);
      signal.throwIfAborted();
    }
    if ((await inspectImage(this.engine, ref)) !== undefined) return;
    const making = this.making.get(ref) ?? work();
    this.making.set(ref, making);
    try {
      await making;
    } finally {
      this.making.delete(ref);
    }
  }
}

/** Links that Debian's alternatives system would have made. */
const ALIASES: readonly RootFile[] = [
  { kind: 'link', path: 'usr/bin/cc', target: 'gcc' },
  { kind: 'link', path: 'usr/bin/c++', target: 'g++' },
  { kind: 'link', path: 'usr/bin/python', target: 'python3' },
];
