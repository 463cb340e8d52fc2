/**
 * Controlling nodes from a program of the host: `import { connect } from "godwit/client"`.
 *
 * @example
 * const node = await connect();
 * for (const { pid, name, state } of await node.list()) console.log(pid, name, state);
 *
 * @module
 */

export { type FollowOptions, NodeClient, type OutputHandler, connect } from "./node-client.ts";
export { openService } from "./open-service.ts";
export type { ServiceClient, ServiceOptions } from "./service.ts";
export { DEFAULT_NODE_NAME, socketPath } from "./socket.ts";
export { type ProgramMap, mapStack, readProgramMap } from "../abi/stack-map.ts";
export type {
  ClusterControl,
  ClusterEvent,
  DrainOptions,
  DrainPlan,
  DrainReport,
  ExposeOptions,
  ExposureInfo,
  Front,
  Inspection,
  MoveReport,
  NodeControl,
  NodeInfo,
  NodeLoad,
  NodeNames,
  NodeState,
  ProcessInfo,
  ProcessState,
  RegionInfo,
  ResourceInfo,
  Replay,
  RestoreOptions,
  ServiceInfo,
  ServiceMember,
  ServiceStart,
  SpawnOptions,
  StartInfo,
  Stream,
  StressMode,
  ThreadInfo,
} from "../abi/control.ts";
export type { Lookup, LookupOptions, ServiceRecord } from "../abi/lookup.ts";
export type { Capabilities, ExitStatus, Quotas, SignalName, ThreadState } from "../abi/records.ts";
export { ERROR_CODES, type ErrorCode, GodwitError } from "../errors.ts";
