export * from './cron-schedule.js';
