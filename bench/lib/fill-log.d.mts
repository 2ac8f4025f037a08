import type { EventLog } from '@shiplog/events/log';
import type { PlatformConfig } from '@shiplog/runtime';

export declare const fillLog: (
  config: PlatformConfig,
  history: EventLog,
) => Promise<{ readonly commits: number; readonly events: number }>;
