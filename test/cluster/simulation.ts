/**
 * A cluster under a seed: nodes, processes that move between them, messages that are lost, late, doubled and out of order,
 * nodes that crash, are cut off and come back, a directory that is slow, away, or whose answers are lost. What decides is
 * the product's own: the machines of `kernel/migration.ts` and the rule of `kernel/ownership.ts`. What carries it out is
 * as small as it can be, so that a seed takes milliseconds.
 *
 * A process is a number that grows while it runs: whoever goes on with an older one has undone something.
 */

import { SimulatedNode } from "./simulated-node.ts";
import { type ProcessEntry, SimulatedWorld, type SimulationOptions, type Told, Violation } from "./simulated-world.ts";

export { Violation } from "./simulated-world.ts";

/** After this the world is left in peace, and has to come to rest. */
const TROUBLE_MS = 60_000;
/** By when everything has to be in order again: silences, leases and retries are over several times. */
const REST_MS = 180_000;
const PROCESSES = 6;

export interface Outcome {
  readonly steps: number;
  readonly counts: Readonly<Record<Told, number>>;
}

/** @throws Violation when what must always hold does not. */
export function simulate(options: SimulationOptions): Outcome {
  const world = new SimulatedWorld(options);
  const count = 3 + world.below(3);
  for (let index = 0; index < count; index++) world.nodes.push(new SimulatedNode(world, `n${index}`));
  for (const node of world.nodes) node.begin();
  for (let pid = 1; pid <= PROCESSES; pid++) world.pick(world.nodes).start(pid, world.chance(0.5));
  for (const befall of [moves, crashes, cuts, outages, endings]) befall(world);
  world.after(TROUBLE_MS, () => world.calm());
  world.run(TROUBLE_MS + REST_MS, options.steps ?? Infinity);
  if (options.steps === undefined) checkRest(world);
  return { steps: world.steps, counts: world.counts };
}

/** Does something again and again, as long as there is trouble. */
function again(world: SimulatedWorld, meanMs: number, action: () => void): void {
  const next = () => {
    if (world.isCalm) return;
    action();
    world.after(1 + world.below(2 * meanMs), next);
  };
  world.after(world.below(2 * meanMs), next);
}

function moves(world: SimulatedWorld): void {
  again(world, 300 + world.below(2000), () => {
    const from = world.pick(world.nodes);
    const to = world.pick(world.nodes);
    const pids = [...from.processes.keys()];
    if (from !== to && pids.length > 0) from.migrate(world.pick(pids), to.name);
  });
  again(world, 5000, () => world.pick(world.nodes).cancelOne());
}

function crashes(world: SimulatedWorld): void {
  if (world.chance(0.3)) return;
  again(world, 15_000, () => {
    const node = world.pick(world.nodes);
    if (!node.alive) return;
    node.crash("it crashed");
    world.after(world.below(20_000), () => node.begin());
  });
}

/** Two nodes do not reach each other, or one reaches nothing, for a while. */
function cuts(world: SimulatedWorld): void {
  again(world, 8000, () => {
    const one = world.pick(world.nodes).name;
    const rest = world.chance(0.5)
      ? [world.pick(world.nodes).name]
      : [...world.nodes.map(({ name }) => name), "directory"];
    for (const other of rest) world.cut(one, other, 50 + world.below(world.chance(0.5) ? 2000 : 25_000));
  });
}

function outages(world: SimulatedWorld): void {
  again(world, 12_000, () => world.outage(world.below(15_000)));
}

function endings(world: SimulatedWorld): void {
  again(world, 20_000, () => {
    const node = world.pick(world.nodes);
    const pids = [...node.processes.keys()];
    if (pids.length > 0) node.endProcess(world.pick(pids));
  });
}

/** Once all is quiet: everything is where the directory says, and nothing is left of any move. */
function checkRest(world: SimulatedWorld): void {
  for (const [pid, { durable, isOver }] of world.programs) {
    const entry: ProcessEntry | undefined = world.entries.get(pid);
    const at = world.executing.get(pid);
    if (at !== undefined && entry !== undefined && (entry.node !== at.node || entry.epoch !== at.epoch))
      throw new Violation(
        `process ${pid} runs at ${at.node}, and the directory has ${entry.node}, epoch ${entry.epoch}`,
      );
    if (at === undefined && !isOver && durable) throw new Violation(`durable process ${pid} runs nowhere`);
    if (at === undefined && !isOver && !world.mayBeLost.has(pid))
      throw new Violation(`process ${pid} runs nowhere, and no node died that had it`);
  }
  for (const node of world.nodes) {
    const left = node.left();
    if (left !== "") throw new Violation(`${node.name} has not let go of ${left}`);
  }
}
