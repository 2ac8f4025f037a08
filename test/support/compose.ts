import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectEngine } from '@shiplog/engine';
import { ROOT, runProgram, TestPlatform, type Finished } from './platform.js';

const COMPOSE = join(ROOT, 'scripts/compose.cjs');
const COMPOSE_IMAGES = join(ROOT, 'scripts/compose-images.cjs');
const PROJECT_LABEL = 'com.docker.compose.project';
const SERVICE_LABEL = 'com.docker.compose.service';

/** A platform of containers, from docker-compose.yml, under its own project name and ports. */
export class ComposePlatform {
  private env: NodeJS.ProcessEnv;

  /** `platform`: the same platform as seen by its users; it has no process of its own here. */
  private constructor(readonly platform: TestPlatform) {
    this.env = platform.env;
  }

  static async create(name: string): Promise<ComposePlatform> {
    const compose = new ComposePlatform(await TestPlatform.create({ name }));
    compose.env = { ...compose.env, ...(await compose.imagesOfThisMachine()) };
    return compose;
  }

  /** Empty where a registry gives the images that docker-compose.yml names; else such as are made here. */
  private async imagesOfThisMachine(): Promise<NodeJS.ProcessEnv> {
    const pulled = await this.run(['pull', '--quiet', 'nats', 'postgres', 'haproxy']);
    if (pulled.code === 0) return {};
    const made = await runProgram(process.execPath, [COMPOSE_IMAGES], { env: this.env });
    if (made.code !== 0) throw new Error(`${pulled.stderr}\n${made.stderr}`);
    const lines = [...made.stdout.matchAll(/^export (\w+)=(.*)$/gm)];
    return Object.fromEntries(lines.map(([, key = '', value]) => [key, value]));
  }

  /** `docker compose up --wait`: returns when every container is healthy. */
  async up(args: readonly string[] = []): Promise<void> {
    await this.compose(['up', '--wait', ...args]);
    const { stdout } = await this.exec('api', ['cat', '/var/lib/shiplog/credentials.json']);
    await writeFile(join(this.platform.home, 'credentials.json'), stdout, { mode: 0o600 });
  }

  /** Runs compose, and throws with what it said when it fails. */
  async compose(args: readonly string[]): Promise<Finished> {
    const result = await this.run(args);
    if (result.code === 0) return result;
    const logs = await this.run(['logs', '--tail', '20']);
    throw new Error(`compose ${args.join(' ')}:\n${result.stderr.slice(-4000)}\n${logs.stdout}`);
  }

  exec(service: string, command: readonly string[]): Promise<Finished> {
    return this.compose(['exec', '-T', service, ...command]);
  }

  /** A volume of the project, which no container may use any more. */
  async removeVolume(name: string): Promise<void> {
    await connectEngine().getVolume(`${this.platform.name}_${name}`).remove();
  }

  /** What the engine says about the containers of the project, by service. */
  async services() {
    const engine = connectEngine();
    const filters = { label: [`${PROJECT_LABEL}=${this.platform.name}`] };
    const found = await engine.listContainers({ all: true, filters });
    const inspected = await Promise.all(found.map(({ Id }) => engine.getContainer(Id).inspect()));
    return new Map(inspected.map((info) => [info.Config.Labels[SERVICE_LABEL] ?? '', info]));
  }

  async destroy(): Promise<void> {
    const removed = await this.run(['down', '--volumes', '--rmi', 'local', '--remove-orphans']);
    await this.platform.destroy();
    if (removed.code !== 0) throw new Error(removed.stderr);
  }

  private run(args: readonly string[]): Promise<Finished> {
    return runProgram(process.execPath, [COMPOSE, ...args], { cwd: ROOT, env: this.env });
  }
}
