/** The globals of events and of aborting. */

export { CustomEvent, Event } from "./event-object.ts";
export { AbortController, AbortSignal, EventTarget } from "./event-target.ts";
