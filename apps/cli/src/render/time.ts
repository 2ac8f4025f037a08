const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `12 s`, `3 min`, `5 h`, `2 d`: one unit is enough to know how old something is. */
export const durationText = (ms: number): string => {
  if (ms > 0 && ms < 950) return `${Math.round(ms)} ms`;
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 2 * MINUTE) return `${seconds} s`;
  if (seconds < 2 * HOUR) return `${Math.round(seconds / MINUTE)} min`;
  if (seconds < 2 * DAY) return `${Math.round(seconds / HOUR)} h`;
  return `${Math.round(seconds / DAY)} d`;
};

/** `3 min ago`, `in 5 d`; an empty text for no time. */
export const relativeTime = (time: string | null | undefined, nowMs: number): string => {
  if (time === null || time === undefined || time === '') return '';
  const ms = Date.parse(time);
  if (Number.isNaN(ms)) return time;
  if (Math.abs(ms - nowMs) < 1000) return 'now';
  return ms > nowMs ? `in ${durationText(ms - nowMs)}` : `${durationText(nowMs - ms)} ago`;
};
