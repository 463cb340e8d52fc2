/** What the engine has beyond the language's own library. */

declare class DOMException extends Error {
  constructor(message?: string, name?: string);
  readonly code: number;
}

declare const performance: { now(): number };
