/** Rows of `show stat`: CSV whose first line names the columns. Each as a way to ask for a column by its name. */
export const statRows = (text: string): ((name: string) => string)[] => {
  const [header = '', ...lines] = text.trim().split('\n');
  const names = header.replace(/^# /, '').split(',');
  return lines.map((line) => {
    const fields = line.split(',');
    return (name) => fields[names.indexOf(name)] ?? '';
  });
};

const CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx', 'other'] as const;

/** Answers of all classes in a row. */
export const answersIn = (row: (name: string) => string): number =>
  CLASSES.reduce((sum, name) => sum + Number(row(`hrsp_${name}`)), 0);
