import { BACKEND_PREFIX } from './render.js';
import { portOfProxy } from './tcp.js';
import type { HaproxyState } from './state.js';

type Field = keyof HaproxyState;
/** What a worker holds of one backend. */
type Part = Partial<Record<Field, Map<string, unknown>>>;

const FIELDS: readonly Field[] = [
  'hosts',
  'uses',
  'owners',
  'matches',
  'picks',
  'policies',
  'networks',
  'clients',
  'sessions',
  'notices',
  'allowed',
  'servers',
];
const BACKEND = new RegExp(`${BACKEND_PREFIX}\\d+`);

/** All that a worker holds, by app: what concerns one of them is found without a look at the others. */
export class StateParts {
  private readonly parts = new Map<string, Part>();
  private readonly backendOfApp = new Map<string, string>();
  /** Apps that a port leads to: what serves it is no backend of theirs alone. */
  private readonly appsAtPorts = new Set<string>();

  constructor(state: HaproxyState) {
    for (const field of FIELDS) {
      for (const [key, value] of state[field]) {
        const backend = field === 'uses' ? state.hosts.get(key) : backendIn(field, key, value);
        if (backend !== undefined) this.put(backend, field, key, value);
      }
    }
    for (const [slot, appId] of state.owners) {
      if (slot.includes('/')) continue;
      if (portOfProxy(slot) === undefined) this.backendOfApp.set(appId, slot);
      else this.appsAtPorts.add(appId);
    }
  }

  /**
   * Undefined where one of the apps has no place, since somebody has to see all places to find it one, and where a port
   * leads to one of them.
   */
  backendsOf(appIds: Iterable<string>): readonly string[] | undefined {
    const backends: string[] = [];
    for (const appId of appIds) {
      const backend = this.backendOfApp.get(appId);
      if (backend === undefined || this.appsAtPorts.has(appId)) return undefined;
      backends.push(backend);
    }
    return backends;
  }

  /** Of these backends alone. */
  of(backends: Iterable<string>): HaproxyState {
    const state = noState();
    for (const backend of backends) {
      const part = this.parts.get(backend) ?? {};
      for (const field of FIELDS) {
        for (const [key, value] of part[field] ?? []) state[field].set(key, value);
      }
    }
    return state as unknown as HaproxyState;
  }

  /** What these backends hold now in place of what they held; it names no other one. */
  replace(backends: Iterable<string>, state: HaproxyState): void {
    for (const backend of backends) this.parts.delete(backend);
    const fresh = new StateParts(state);
    for (const [backend, part] of fresh.parts) this.parts.set(backend, part);
  }

  private put(backend: string, field: Field, key: string, value: unknown): void {
    const part = this.parts.get(backend) ?? {};
    this.parts.set(backend, part);
    (part[field] ??= new Map()).set(key, value);
  }
}

/** Every entry names its backend: in the value where the key is what clients send, else in the key. */
const backendIn = (field: Field, key: string, value: unknown): string | undefined =>
  BACKEND.exec(field === 'hosts' || field === 'matches' ? String(value) : key)?.[0];

const noState = (): Record<Field, Map<string, unknown>> =>
  Object.fromEntries(FIELDS.map((field) => [field, new Map()])) as unknown as Record<
    Field,
    Map<string, unknown>
  >;
