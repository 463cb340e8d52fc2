/**
 * The engine for the nodes of one machine, with nothing to install. One OS process has its durable state (an SQLite database,
 * and blobs as files) and connects the others over a unix socket. When it dies, nothing that was acknowledged is lost, and
 * its clients go on when another process starts it again over the same folder.
 */

import { assemble } from "../assembly.ts";
import type { Engine } from "../engine.ts";
import { type EmbeddedOptions, connectEmbeddedGround } from "./embedded/client.ts";

export type { EmbeddedOptions } from "./embedded/client.ts";
export { type EmbeddedServer, type EmbeddedServerOptions, startEmbeddedServer } from "./embedded/server.ts";

/**
 * Connects to the engine of this machine.
 * @throws GodwitError ECLUSTER when there is none at the socket within the time, or one of another version.
 */
export async function connectEmbedded(options: EmbeddedOptions): Promise<Engine> {
  return assemble(await connectEmbeddedGround(options));
}
