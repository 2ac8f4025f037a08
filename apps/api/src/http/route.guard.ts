import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { Door } from './door.js';
import { rememberAdmission, ROUTE } from './route.decorator.js';
import type { AnyRoute } from './route.js';

/** Lets a request through to its handler when the door admits it. */
export class RouteGuard implements CanActivate {
  constructor(private readonly door: Door) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const route = Reflect.getMetadata(ROUTE, context.getHandler()) as AnyRoute | undefined;
    if (route === undefined) throw new Error(`${context.getHandler().name} serves no route`);
    const request = context.switchToHttp().getRequest<Request>();
    const params = request.params as Record<string, string>;
    const { query } = request;
    const over = new AbortController();
    const response = context.switchToHttp().getResponse<Response>();
    response.once('close', () => over.abort());
    const { signal } = over;
    rememberAdmission(request, await this.door.admit(route, { request, params, query, signal }));
    return true;
  }
}
