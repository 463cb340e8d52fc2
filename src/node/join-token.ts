/** What `godwit join-token` does, on the machine whose node founded the cluster. */

export { makeToken } from "../cluster/join-token.ts";
