/** What becomes of clients' connections to a front. */

/** How clients' connections get from a front to a process's home: given to it where that can be, or their bytes relayed. */
export type PassOn = "auto" | "handoff" | "relay";

/** What became of a front's connections, where they may be given to other nodes. */
export interface PassedConnections {
  /** Given to another node, and not, since the front is there. */
  readonly handedOff: number;
  readonly kept: number;
  /** Those that are open, by the node that has them. */
  readonly at: Readonly<Record<string, number>>;
}
