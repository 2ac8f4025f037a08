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
