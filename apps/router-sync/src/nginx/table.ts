import { isIP } from 'node:net';
import { WEIGHT_MAX } from '@shiplog/domain';
import { BASE64_PATTERN, PREFIX_PATTERN, type Notice } from '../routes/notice.js';
import { ID_PATTERN, parseDomain, type DomainUse } from '@shiplog/events';
import { parseUseWord, useWord } from '../routes/domain-use.js';
import { parseMatchRule } from '../routes/match-rule.js';
import { listPrefixes, ruleValues, userValues } from '../routes/traffic-rules.js';
import {
  RouterError,
  type ActualEndpoint,
  type Endpoint,
  type Match,
  type TrafficRules,
} from '../routes/router.port.js';

export interface NginxInstance extends Endpoint {
  readonly state: Exclude<ActualEndpoint['state'], 'leaving'>;
  /** Counted apart. */
  readonly sessions: 0;
}

/** What the memory of nginx holds. */
export interface NginxTable {
  /** Domain → app id. */
  readonly hosts: ReadonlyMap<string, string>;
  /** App id → its domains. */
  readonly hostsOf: ReadonlyMap<string, ReadonlySet<string>>;
  /** Of domains whose app does not just answer. */
  readonly uses: ReadonlyMap<string, DomainUse>;
  /** App id → its instances by id. */
  readonly apps: ReadonlyMap<string, ReadonlyMap<string, NginxInstance>>;
  /** Instance id → app id. */
  readonly appOf: ReadonlyMap<string, string>;
  /** By app id. */
  readonly matches: ReadonlyMap<string, Match>;
  /** By app id: the name of its policy, and what it is. */
  readonly policies: ReadonlyMap<string, string>;
  /** By app id. */
  readonly notices: ReadonlyMap<string, Notice>;
}

export interface NginxAnswer {
  readonly platform: string;
  readonly fingerprint: string;
  /** Another one after every change; none is ever used again, by another nginx neither. */
  readonly generation: string;
  /** Process id → the configuration it runs. */
  readonly workers: ReadonlyMap<number, string>;
  /** By instance id, in all workers. */
  readonly sessions: ReadonlyMap<string, number>;
  /** Lines of the table, or of what changed in it; undefined where the asker has it. */
  readonly lines: readonly string[] | undefined;
}

/** An answer of `/routes`; `shiplog_admin.lua` writes it. */
export const parseAnswer = (text: string): NginxAnswer => {
  const lines = text.trimEnd().split('\n');
  const at = lines.indexOf('table');
  const workers = new Map<number, string>();
  const sessions = new Map<string, number>();
  for (const line of lines.slice(1, at === -1 ? undefined : at)) {
    const [what, key = '', value = ''] = line.split(' ');
    if (what === 'worker') workers.set(Number(key), value);
    else sessions.set(key, (sessions.get(key) ?? 0) + Number(value));
  }
  const told = at === -1 ? undefined : lines.slice(at + 1);
  return { ...parseHead(lines[0]), workers, sessions, lines: told };
};

const parseHead = (line = ''): Pick<NginxAnswer, 'platform' | 'fingerprint' | 'generation'> => {
  const [name, platform = '', fingerprint = '', generation = ''] = line.split(' ');
  if (name === 'shiplog') return { platform, fingerprint, generation };
  throw new RouterError('router-unreachable', 'what answers at the socket is not our nginx');
};

/** Lines as nginx takes and tells them, of a table that was empty before. */
export const tableOf = (lines: readonly string[]): RoutesTable => {
  const table = new RoutesTable();
  table.change(lines);
  return table;
};

/** Changed in place: a change costs what it changes, however much else there is. */
export class RoutesTable implements NginxTable {
  readonly hosts = new Map<string, string>();
  readonly hostsOf = new Map<string, Set<string>>();
  readonly uses = new Map<string, DomainUse>();
  readonly apps = new Map<string, ReadonlyMap<string, NginxInstance>>();
  readonly appOf = new Map<string, string>();
  readonly matches = new Map<string, Match>();
  readonly policies = new Map<string, string>();
  readonly notices = new Map<string, Notice>();

  change(lines: readonly string[]): void {
    for (let i = 0; i < lines.length; i += 1) i += this.changeOne(lines, i);
  }

  /** Answers how many of the next lines belong to it. */
  private changeOne(lines: readonly string[], at: number): number {
    const line = lines[at] ?? '';
    const [what, key = '', value = '', more = ''] = line.split(' ');
    switch (what) {
      case 'host':
        this.bind(key, value, parseUseWord(more));
        return 0;
      case 'nohost':
        this.unbind(key);
        return 0;
      case 'match':
        this.matches.set(key, { rule: value, instanceIds: more.split(',') });
        return 0;
      case 'nomatch':
        this.matches.delete(key);
        return 0;
      case 'policy':
        this.policies.set(key, `${value} ${more}`);
        return 0;
      case 'nopolicy':
        this.policies.delete(key);
        return 0;
      case 'notice':
        this.notices.set(key, parseNotice(line));
        return 0;
      case 'nonotice':
        this.notices.delete(key);
        return 0;
      case 'noapp':
        for (const byApp of [this.matches, this.notices, this.policies]) byApp.delete(key);
        this.forget(key);
        return 0;
      default:
        this.forget(key);
        return this.own(key, lines.slice(at + 1, at + 1 + Number(value)));
    }
  }

  private bind(host: string, appId: string, use: DomainUse | undefined): void {
    this.unbind(host);
    this.hosts.set(host, appId);
    this.hostsOf.set(appId, (this.hostsOf.get(appId) ?? new Set()).add(host));
    if (use !== undefined) this.uses.set(host, use);
  }

  private unbind(host: string): void {
    const appId = this.hosts.get(host) ?? '';
    const others = this.hostsOf.get(appId);
    others?.delete(host);
    if (others?.size === 0) this.hostsOf.delete(appId);
    this.hosts.delete(host);
    this.uses.delete(host);
  }

  private own(appId: string, lines: readonly string[]): number {
    const own = lines.map((line) => parseInstance(appId, line));
    this.apps.set(appId, new Map(own.map((instance) => [instance.instanceId, instance])));
    for (const { instanceId } of own) this.appOf.set(instanceId, appId);
    return own.length;
  }

  private forget(appId: string): void {
    for (const id of this.apps.get(appId)?.keys() ?? []) this.appOf.delete(id);
    this.apps.delete(appId);
  }
}

const parseInstance = (appId: string, line: string): NginxInstance => {
  const [instanceId = '', address = '', port = '', weight = '', state = 'out'] = line.split(' ');
  return {
    instanceId,
    appId,
    host: address.replaceAll(/[[\]]/g, ''),
    port: Number(port),
    weight: Number(weight),
    state: state as NginxInstance['state'],
    sessions: 0,
  };
};

/** The whole table as changes of an empty one: what nginx begins with when it is started. */
export const tableText = ({ hosts, uses, apps, matches, notices, policies }: NginxTable): string =>
  [
    ...[...apps].map(([appId, instances]) => appLines(appId, instances)),
    ...[...matches].map(([appId, match]) => matchLine(appId, match)),
    ...[...notices].map(([appId, notice]) => noticeLine(appId, notice)),
    ...[...policies].map(([appId, text]) => `policy ${ownId(appId)} ${text}`),
    ...[...hosts].map(([host, appId]) => hostLine(host, appId, uses.get(host))),
  ]
    .map((line) => `${line}\n`)
    .join('');

export const appLines = (appId: string, instances: ReadonlyMap<string, NginxInstance>): string =>
  [`app ${ownId(appId)} ${instances.size}`, ...[...instances.values()].map(instanceLine)].join(
    '\n',
  );

export const matchLine = (appId: string, { rule, instanceIds }: Match): string => {
  // It throws for what is none.
  parseMatchRule(rule);
  return `match ${ownId(appId)} ${rule} ${instanceIds.map(ownId).join(',')}`;
};

/** `policy <app> <name> <part>=<value>&…`; it throws for what is no policy. */
export const policyLine = (appId: string, rules: TrafficRules): string => {
  const lists = (['allow', 'deny'] as const).map(
    (list) => [list, listPrefixes(rules, list).join(',')] as const,
  );
  const users = userValues(rules).map(([user, hash]) => `${user}:${hash}`);
  const parts = [
    ...new Map([...ruleValues(rules), ...lists, ['users', users.join(',')] as const]),
  ].filter(([, value]) => value !== '');
  const text = parts.map(([part, value]) => `${part}=${value}`).join('&');
  return `policy ${ownId(appId)} ${rules.id} ${text}`;
};

export const noticeLine = (appId: string, notice: Notice): string => {
  if (notice.kind === 'starting') return `notice ${ownId(appId)} starting`;
  const page = notice.page === null ? '-' : pageText(notice.page);
  const allow = notice.allow.map(prefix).join() || '-';
  return `notice ${ownId(appId)} maintenance ${page} ${allow}`;
};

const parseNotice = (line: string): Notice => {
  const [, , kind, page = '-', allow = '-'] = line.split(' ');
  if (kind === 'starting') return { kind };
  return {
    kind: 'maintenance',
    page: page === '-' ? null : page,
    allow: allow === '-' ? [] : allow.split(','),
  };
};

const instanceLine = ({ instanceId, host, port, weight, state }: NginxInstance): string =>
  [ownId(instanceId), address(host), portNumber(port), partOf(weight), state].join(' ');

/** The last gate before the socket, where a newline would begin another change. */
const checked = (value: string, isRight: boolean, what: string): string => {
  if (!isRight) throw new RouterError('router-refused', `${JSON.stringify(value)} is no ${what}`);
  return value;
};
export const domainOf = (text: string): string =>
  checked(text, parseDomain(text) !== undefined, 'domain');
export const hostLine = (domain: string, appId: string, use: DomainUse | undefined): string => {
  const word = useWord(use);
  checked(word, useWord(parseUseWord(word)) === word, 'use of a domain');
  return `host ${domainOf(domain)} ${ownId(appId)}${word === '' ? '' : ` ${word}`}`;
};

export const ownId = (value: string): string => checked(value, ID_PATTERN.test(value), 'id');
export const portNumber = (port: number): string =>
  checked(String(port), Number.isInteger(port) && port > 0 && port < 65_536, 'port');
const pageText = (page: string): string => checked(page, BASE64_PATTERN.test(page), 'base64');
const prefix = (text: string): string =>
  checked(text, PREFIX_PATTERN.test(text), 'beginning of an address');
const partOf = (weight: number): string =>
  checked(
    String(weight),
    Number.isInteger(weight) && weight >= 0 && weight <= WEIGHT_MAX,
    'weight',
  );
export const address = (host: string): string => {
  const family = isIP(host);
  checked(host, family !== 0 && !host.includes('%'), 'numeric address');
  return family === 6 ? `[${host}]` : host;
};
