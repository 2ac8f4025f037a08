import type { DomainUse } from '@shiplog/events';
import { statRows } from './stat-rows.js';

/** One server slot, as `show servers state` tells it. */
export interface ServerSlot {
  /** `slot0001/s3`. */
  readonly key: string;
  readonly backend: string;
  readonly server: string;
  readonly backendId: number;
  readonly serverId: number;
  readonly address: string;
  readonly port: number;
  readonly state: 'ready' | 'drain' | 'maint';
  readonly weight: number;
  /** The line itself: put into the state file, it brings the slot back after a restart. */
  readonly line: string;
}

/** What one HAProxy worker holds: hosts, who owns which slot, and the slots in use. */
export interface HaproxyState {
  /** Domain → backend. */
  readonly hosts: ReadonlyMap<string, string>;
  /** Of domains whose app does not just answer. */
  readonly uses: ReadonlyMap<string, DomainUse>;
  /** `slot0001` → app id, `slot0001/s3` → instance id. */
  readonly owners: ReadonlyMap<string, string>;
  /** Expression → `slot0001=header:x-canary=yes`. */
  readonly matches: ReadonlyMap<string, string>;
  /** `slot0001` → `on`, `slot0001/0` to `slot0001/59` → server. */
  readonly picks: ReadonlyMap<string, string>;
  /** `slot0001` → the name of its policy, `<name>/rate` and the like → what that part is. */
  readonly policies: ReadonlyMap<string, string>;
  /** `<name>/deny8:0A` → `on`. */
  readonly networks: ReadonlyMap<string, string>;
  /** Expression → what of it is the client. */
  readonly clients: ReadonlyMap<string, string>;
  /** `slot0001/<session>` → server. */
  readonly sessions: ReadonlyMap<string, string>;
  /** `slot0001` → `starting`, `maintenance`, or that and a page: `maintenance:PGgx…`. */
  readonly notices: ReadonlyMap<string, string>;
  /** `slot0001=8:7F` → `on`. */
  readonly allowed: ReadonlyMap<string, string>;
  /** By key. */
  readonly servers: ReadonlyMap<string, ServerSlot>;
}

/** `0x55… key value` per line. */
export const parseMap = (text: string): Map<string, string> => {
  const entries = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, key, value] = line.trim().split(' ');
    if (key !== undefined && value !== undefined) entries.set(key, value);
  }
  return entries;
};

/** Bits of `srv_admin_state` that stop all traffic: forced, inherited, from a failed resolution. */
const MAINT = 0x01 | 0x02 | 0x20;
/** Bits that stop new traffic: forced, inherited. */
const DRAIN = 0x08 | 0x10;

export const parseServersState = (text: string): ServerSlot[] => {
  const lines = text.split('\n');
  const header =
    lines
      .find((line) => line.startsWith('# '))
      ?.slice(2)
      .split(' ') ?? [];
  const column = (name: string): number => header.indexOf(name);
  const [be, beName, id, name, addr, admin, weight, port] = [
    column('be_id'),
    column('be_name'),
    column('srv_id'),
    column('srv_name'),
    column('srv_addr'),
    column('srv_admin_state'),
    column('srv_uweight'),
    column('srv_port'),
  ] as const;
  return lines
    .filter((line) => /^\d+ /.test(line))
    .map((line) => {
      const fields = line.split(' ');
      const text = (i: number): string => fields[i] ?? '';
      const flags = Number(text(admin));
      return {
        key: `${text(beName)}/${text(name)}`,
        backend: text(beName),
        server: text(name),
        backendId: Number(text(be)),
        serverId: Number(text(id)),
        address: text(addr),
        port: Number(text(port)),
        weight: Number(text(weight)),
        state: (flags & MAINT) !== 0 ? 'maint' : (flags & DRAIN) !== 0 ? 'drain' : 'ready',
        line,
      };
    });
};

/** Requests queued and under way, from the one line of `show stat <backend> <type> <server>`. */
export const parseSessions = (text: string): number => {
  const [row] = statRows(text);
  return row === undefined ? 0 : Number(row('scur')) + Number(row('qcur'));
};

/** Requests that each server may have in hand at once, from `show stat <backend> 4 -1`; 0: any number. */
export const parseLimits = (text: string): readonly number[] =>
  statRows(text).map((row) => Number(row('slim')));

export interface Workers {
  readonly current: number | undefined;
  /** Of earlier configurations; they finish what they began. */
  readonly old: readonly number[];
  /** Age of the current one: since then the old ones take no new clients. */
  readonly currentSeconds: number;
  /** Since the last one that went well. */
  readonly failedReloads: number;
}

/** `show proc` on the master's socket. */
export const parseWorkers = (text: string): Workers => {
  const [, ofCurrent = '', ofOld = ''] =
    /# workers\n([\s\S]*?)(?:# old workers\n([\s\S]*?))?(?:# programs|$)/.exec(text) ?? [];
  const pids = (block: string): number[] =>
    block.split('\n').flatMap((line) => /^(\d+)\s+worker\b/.exec(line)?.slice(1).map(Number) ?? []);
  const [, d, h, m, s] = (/(\d+)d(\d+)h(\d+)m(\d+)s/.exec(ofCurrent) ?? []).map(Number);
  return {
    current: pids(ofCurrent)[0],
    old: pids(ofOld),
    failedReloads: Number(/^\d+\s+master\s.*\[failed: (\d+)\]/m.exec(text)?.[1] ?? 0),
    currentSeconds: (((d ?? 0) * 24 + (h ?? 0)) * 60 + (m ?? 0)) * 60 + (s ?? 0),
  };
};

/** Ids of the sessions at one server, from `show sess`: what `shutdown session` takes. */
export const parseSessionIds = (text: string, backend: string, server: string): string[] =>
  text.split('\n').flatMap((line) => {
    const [, id, be, srv] = /^(0x[0-9a-f]+): .*\bbe=(\S+) srv=(\S+)/.exec(line) ?? [];
    return id !== undefined && be === backend && srv === server ? [id] : [];
  });

export const STATE_FILE_HEADER =
  '1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n';
