/** Values as text for people. */

export { format } from "./format.ts";
export { inspect, type InspectOptions } from "./inspector.ts";
export { table } from "./table.ts";
