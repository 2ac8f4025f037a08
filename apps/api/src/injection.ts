/** Names under which Nest hands out what is not its own. */
export const CONTEXT = Symbol('ProcessContext');
export const OWNERSHIP = Symbol('Ownership');
export const CLAIMS = Symbol('Claims');
export const CHANGES = Symbol('Changes');
export const KEYRING = Symbol('Keyring');
export const KEY_STORE = Symbol('KeyStore');
export const AUDIT = Symbol('AuditRecorder');
export const PERSONS = Symbol('Persons');
export const SOURCES = Symbol('SourceStore');
export const READ_MODELS = Symbol('RunningReadModels');
export const TELEMETRY = Symbol('Telemetry');
export const CHECKPOINTS = Symbol('Checkpoints');
export const DOOR = Symbol('Door');
