import { describeError } from '@shiplog/runtime';
import type { EngineError } from '../containers/container-engine.port.js';

/** A refusal that the asker reads: `code` for programs, the message for people. */
export class RpcProblem extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'RpcProblem';
  }
}

/** Whoever waits for an answer is told the same of an engine that is not there and of one that says nothing. */
export const engineProblem = (error: EngineError): RpcProblem => {
  const code = error.code === 'no-answer' ? 'engine-unreachable' : error.code;
  return new RpcProblem(code, error.said || describeError(error));
};
