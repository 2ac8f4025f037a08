import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { Request, Response } from 'express';
import { map, type Observable } from 'rxjs';
import type { AuditRecorder } from '../audit/audit-recorder.js';
import { calledFrom, notesOf } from '../audit/request-notes.js';
import { sequenceAt, type Answer } from './answer.js';
import { ROUTE } from './route.decorator.js';
import type { AnyRoute } from './route.js';

/** Puts the place in the log and the revision into headers, and has recorded what no change records. Streams write their answer themselves. */
export class AnswerInterceptor implements NestInterceptor<Answer<unknown> | undefined> {
  constructor(private readonly audit: Pick<AuditRecorder, 'performed'>) {}

  intercept(
    context: ExecutionContext,
    next: CallHandler<Answer<unknown> | undefined>,
  ): Observable<unknown> {
    const response = context.switchToHttp().getResponse<Response>();
    return next.handle().pipe(
      map((answer) => {
        this.noteWhatIsNoChange(context);
        if (answer === undefined) return undefined;
        response.setHeader('Shiplog-Sequence', sequenceAt(answer.position));
        if (answer.revision !== undefined) response.setHeader('ETag', `"${answer.revision}"`);
        return answer.body;
      }),
    );
  }

  /** Changes are in the log themselves; looks are nobody's business. */
  private noteWhatIsNoChange(context: ExecutionContext): void {
    const route = Reflect.getMetadata(ROUTE, context.getHandler()) as AnyRoute | undefined;
    if (route === undefined || route.method === 'GET' || route.changes) return;
    const request = context.switchToHttp().getRequest<Request>();
    const { actor, tokenId, appId, target, reason } = notesOf(request);
    if (actor === undefined) return;
    this.audit.performed({
      operation: route.id,
      appId: appId ?? null,
      target: target ?? null,
      actor,
      reason: reason ?? null,
      from: calledFrom(request, tokenId ?? null),
    });
  }
}
