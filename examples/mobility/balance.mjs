/**
 * Who asks for a move? Sender-initiated, a node that has too much gives a process away; receiver-initiated, one that has
 * nothing to do asks for one. Both are a few lines over `godwit/client`, here run by Node.js beside the cluster.
 *
 *     npx godwit up --detach --nodes 3
 *     npx godwit run --detach --node n1 examples/mobility/idle.ts
 *     npx godwit run --detach --node n1 examples/mobility/idle.ts
 *     npx godwit run --detach --node n1 examples/mobility/idle.ts
 *     node examples/mobility/balance.mjs sender n1
 *     node examples/mobility/balance.mjs receiver n3
 *
 * prints
 *
 *     n1 has 3 and gives one to n2
 *     n3 has none and takes one of n1
 */

import { connect } from "godwit/client";

const [, , who, node = "n1"] = process.argv;
const control = await connect();
const processes = (await control.list()).filter(({ state }) => state !== "ended");
const shares = (await control.nodes())
  .map(({ name }) => ({ name, own: processes.filter((one) => one.node === name) }))
  .sort((one, other) => one.own.length - other.own.length || one.name.localeCompare(other.name));
const here = shares.find(({ name }) => name === node);
if (here === undefined) throw new Error(`there is no node ${node}`);

if (who === "sender") {
  const [least] = shares;
  await move(here.own[0], least);
  console.log(`${node} has ${here.own.length} and gives one to ${least.name}`);
} else {
  const most = shares.at(-1);
  await move(most.own[0], here);
  console.log(`${node} has ${here.own.length === 0 ? "none" : here.own.length} and takes one of ${most.name}`);
}

async function move(one, to) {
  if (one === undefined) throw new Error("there is nothing to move");
  const { outcome, reason } = await control.migrate(one.pid, to.name);
  if (outcome !== "moved") throw new Error(reason);
}
