import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { Response } from 'express';
import { map, type Observable } from 'rxjs';
import { sequenceAt, type Answer } from './answer.js';

/** Puts the place in the log and the revision into headers. Streams write their answer themselves. */
export class AnswerInterceptor implements NestInterceptor<Answer<unknown> | undefined> {
  intercept(
    context: ExecutionContext,
    next: CallHandler<Answer<unknown> | undefined>,
  ): Observable<unknown> {
    const response = context.switchToHttp().getResponse<Response>();
    return next.handle().pipe(
      map((answer) => {
        if (answer === undefined) return undefined;
        response.setHeader('Shiplog-Sequence', sequenceAt(answer.position));
        if (answer.revision !== undefined) response.setHeader('ETag', `"${answer.revision}"`);
        return answer.body;
      }),
    );
  }
}
