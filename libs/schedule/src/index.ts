export * from './cron-schedule.js';
export * from './freeze-window.js';
