/** What threads synchronise with, beside the mutex. */

export { Condition } from "./condition.ts";
export { RwLock } from "./rwlock.ts";
export { Semaphore } from "./semaphore.ts";
