import type { TrafficCounters } from '@shiplog/domain';

const ANSWERS = ['hrsp_1xx', 'hrsp_2xx', 'hrsp_3xx', 'hrsp_4xx', 'hrsp_5xx', 'hrsp_other'] as const;

/** Servers of one backend by name, from `show stat <backend> 4 -1`: CSV, named in its first line. */
export const parseTraffic = (text: string): ReadonlyMap<string, TrafficCounters> => {
  const [header = '', ...lines] = text.trim().split('\n');
  const names = header.replace(/^# /, '').split(',');
  return new Map(
    lines.flatMap((line) => {
      const fields = line.split(',');
      const text = (name: string): string => fields[names.indexOf(name)] ?? '';
      const number = (name: string): number => Number(text(name));
      const server = text('svname');
      if (server === '') return [];
      const answered = ANSWERS.reduce((sum, name) => sum + number(name), 0);
      // A connection that ended without an answer is a failure of the instance, though another one may have helped out.
      const unanswered = number('eresp');
      return [
        [
          server,
          {
            requests: answered + unanswered,
            errors: number('hrsp_5xx') + unanswered,
            meanMs: number('rtime'),
          },
        ] as const,
      ];
    }),
  );
};
