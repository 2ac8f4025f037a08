import type { components, operations } from './schema.js';

type Schemas = components['schemas'];

export type App = Schemas['App'];
export type AppSummary = Schemas['AppSummary'];
export type AuditEntry = Schemas['AuditEntry'];
export type Backup = Schemas['Backup'];
export type BackupLine = Schemas['BackupLine'];
export type BackupPolicy = Schemas['BackupPolicy'];
export type Build = Schemas['Build'];
export type CausalStep = Schemas['CausalStep'];
export type Certificate = Schemas['Certificate'];
export type CloudEvent = Schemas['CloudEvent'];
export type ConfigEntry = Schemas['ConfigEntry'];
export type CronJob = Schemas['CronJob'];
export type Deploy = Schemas['Deploy'];
export type Diagnosis = Schemas['Diagnosis'];
export type Domain = Schemas['Domain'];
export type Port = Schemas['Port'];
export type AddedPortBody = Partial<
  NonNullable<operations['addPort']['requestBody']>['content']['application/json']
>;
/** What is done with requests of a domain. */
export type AddedDomainUse = NonNullable<
  operations['addDomain']['requestBody']
>['content']['application/json'];
/** What a deploy would do. */
export type DeployPlan = Schemas['DeployPlan'];
export type Explanation = Schemas['Explanation'];
export type Finding = Schemas['Finding'];
export type GarbageItem = Schemas['GarbageItem'];
export type GarbagePolicy = Schemas['GarbagePolicy'];
export type Instance = Schemas['Instance'];
export type Keys = Schemas['Keys'];
export type LogLine = Schemas['LogLine'];
export type AppTraffic = Schemas['AppTraffic'];
export type OutputLine = Schemas['OutputLine'];
/** One line of news; the last one says where what was followed ended. */
export type ProgressLine = Schemas['ProgressLine'] & {
  readonly version?: number;
  readonly deployId?: string;
  readonly buildId?: string;
  readonly url?: string;
};
export type RebuildStatus = Schemas['RebuildStatus'];
export type Release = Schemas['Release'];
export type Replay = Schemas['Replay'];
export type ReplayChange = Schemas['ReplayChange'];
export type Run = Schemas['Run'];
export type SigningState = Schemas['SigningState'];
export type VerificationLine = Schemas['VerificationLine'];
export type Settings = App['settings'];
export type SettingsChange = NonNullable<
  operations['changeSettings']['requestBody']
>['content']['application/json'];
export type ChecksRequest = NonNullable<SettingsChange['checks']>;
export type Check = NonNullable<Schemas['ShownSettings']['checks'][string]['readiness']>;
export type ProcessLimits = Schemas['ProcessLimits'];
export type LimitName = ProcessLimits['own'][number];
/** Limits of a process type that are its own from now on, and those that are the app's again. */
export interface LimitsChange {
  readonly process: string;
  readonly set: Partial<Omit<ProcessLimits, 'process' | 'own' | 'refused'>>;
  readonly unset: readonly LimitName[];
}
export type TrafficPolicy = Schemas['TrafficPolicy'];
export interface TrafficChange {
  readonly set: TrafficPolicy;
  readonly unset: (keyof TrafficPolicy)[];
}
/** Passwords by name that count from now on, and names that may not any more. */
export type BasicAuthChange = NonNullable<
  operations['changeBasicAuth']['requestBody']
>['content']['application/json'];
export type Gate = Schemas['Gate'];
export type Lock = Schemas['Lock'];
export type Freeze = Schemas['Freeze'];
export type FreezeRequest = NonNullable<
  operations['addPlatformFreeze']['requestBody']
>['content']['application/json'];
export type Token = Schemas['Token'];
export type Volume = Schemas['Volume'];
export type KeptVolume = Schemas['KeptVolume'];
export type UndoProposal = Schemas['UndoProposal'];
export type Whoami = Schemas['Whoami'];
