/** Is the code one of `200-399,418`? */
export const isGoodStatus = (wanted: string, status: number): boolean =>
  wanted.split(',').some((range) => {
    const [from, to = from] = range.split('-').map(Number);
    return from !== undefined && to !== undefined && status >= from && status <= to;
  });
