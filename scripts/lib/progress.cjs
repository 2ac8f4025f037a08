'use strict';

const isTerminal = process.stderr.isTTY === true;
const colour = (code, text) =>
  isTerminal && !process.env.NO_COLOR ? `\u001b[${code}m${text}\u001b[0m` : text;

/** Shows one step: what runs, for how long, and how it ended. A step under a second leaves one line. */
const step = async (title, work) => {
  const startedAt = Date.now();
  const seconds = () => `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
  let timer;
  if (isTerminal) {
    const show = () =>
      process.stderr.write(`\r\u001b[K  ${colour('36', '…')} ${title}  ${seconds()}`);
    timer = setInterval(show, 200);
    show();
  } else {
    process.stderr.write(`  … ${title}\n`);
  }
  const finish = (mark) => {
    clearInterval(timer);
    process.stderr.write(
      `${isTerminal ? '\r\u001b[K' : ''}  ${mark} ${title}  ${colour('2', seconds())}\n`,
    );
  };
  try {
    const result = await work();
    finish(colour('32', '✓'));
    return result;
  } catch (error) {
    finish(colour('31', '✗'));
    throw error;
  }
};

module.exports = { step, colour };
