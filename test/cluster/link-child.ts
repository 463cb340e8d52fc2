/** A node's links in an OS process of its own, to be killed: it says what it is told. */

import { readIdentity } from "../../src/cluster/identity.ts";
import { createLinks } from "../../src/cluster/links.ts";

interface Argument {
  readonly identity: string;
  readonly address: string;
  /** The peer that it opens a link to, and where that is. */
  readonly peer: string;
  readonly peerAddress: string;
}

const { identity, address, peer, peerAddress } = JSON.parse(process.argv[2] ?? "") as Argument;
const links = createLinks({
  identity: readIdentity(identity),
  address,
  resolve: () => [peerAddress],
  handlers: {
    told: (_link, _kind, body) => console.log(`told ${String(body)}`),
    asked: async (_link, _kind, body) => body,
    bulk: (_peer, stream) => stream.resume(),
  },
  log: (line) => console.log(`log ${line}`),
});
console.log(`ready ${await links.listening}`);
const link = await links.to(peer);
link.tell("hello", process.pid);
void link.lost.then((error) => console.log(`lost ${error.message}`));
