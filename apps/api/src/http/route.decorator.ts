import {
  applyDecorators,
  createParamDecorator,
  HttpCode,
  RequestMapping,
  RequestMethod,
  SetMetadata,
  type ExecutionContext,
} from '@nestjs/common';
import type { Request } from 'express';
import type { Admitted } from './door.js';
import { expressPath, type AnyRoute } from './route.js';

export const ROUTE = Symbol('route');

/** Serves a route: its method and path come from where it is described. */
export const Handles = (route: AnyRoute): MethodDecorator =>
  applyDecorators(
    RequestMapping({ path: expressPath(route.path), method: RequestMethod[route.method] }),
    HttpCode(route.answer.status),
    SetMetadata(ROUTE, route),
  );

/** What the guard found out about each request that is under way. */
const admissions = new WeakMap<object, Admitted>();

export const rememberAdmission = (request: object, admitted: Admitted): void => {
  admissions.set(request, admitted);
};

/** The admitted request as a handler's parameter. */
export const Admission = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  admissions.get(context.switchToHttp().getRequest<Request>()),
);
