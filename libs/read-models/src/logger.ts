/** What of a pino logger is used here. */
export interface ReadModelsLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
