/** The protocol of moves under thousands of seeds; and that what is wrong with it would be found. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { sourceStep, targetStep } from "../../src/kernel/migration.ts";
import { ruleOnClaim } from "../../src/kernel/ownership.ts";
import { simulate, Violation } from "./simulation.ts";
import { type Rules, TOLD, type Told } from "./simulated-world.ts";

const SEEDS = Number(process.env["GODWIT_SIMULATION_SEEDS"] ?? 2000);
const RULES: Rules = { sourceStep, targetStep, ruleOnClaim, stopsWithoutLease: true };

test(`in ${SEEDS} seeds no process runs twice, under an old epoch or from an old state, and none is lost`, (context) => {
  const sums = Object.fromEntries(TOLD.map((told) => [told, 0])) as Record<Told, number>;
  let steps = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      const outcome = simulate({ seed, rules: RULES });
      steps += outcome.steps;
      for (const told of TOLD) sums[told] += outcome.counts[told];
    } catch (error) {
      if (error instanceof Violation) assert.fail(`seed ${seed}: ${error.message} (npm run sim -- --seed ${seed})`);
      throw error;
    }
  }
  context.diagnostic(`${steps} steps: ${JSON.stringify(sums)}`);
  for (const told of ["moved", "stayed", "superseded", "restored", "crashed", "lost", "ended"] as const)
    assert.ok(sums[told] > SEEDS / 50, `${told}: ${sums[told]}`);
});

test("a seed is the same each time", () => {
  const lines = (): string[] => {
    const all: string[] = [];
    simulate({ seed: 7, rules: RULES, trace: (line) => all.push(line) });
    return all;
  };
  const first = lines();
  assert.ok(first.length > 100);
  assert.deepEqual(lines(), first);
});

/** Each is the protocol with one thing wrong, and what is seen of it. */
const MUTANTS: readonly { readonly wrong: string; readonly rules: Partial<Rules>; readonly seen: RegExp }[] = [
  {
    wrong: "a source goes on without having won the process back",
    rules: {
      sourceStep: (state, event) => {
        const step = sourceStep(state, event);
        const { actions } = step;
        if (step.state.kind !== "reclaiming" || actions[0]?.do !== "reclaim") return step;
        return {
          state: { kind: "stayed", reason: "wrong" },
          actions: [{ do: "cancel" }, { do: "thaw", epoch: "same" }],
        };
      },
    },
    seen: /runs at/,
  },
  {
    wrong: "a source goes on under the epoch that it had, after it won the process back",
    rules: {
      sourceStep: (state, event) => {
        const step = sourceStep(state, event);
        return { ...step, actions: step.actions.map((one) => (one.do === "thaw" ? { ...one, epoch: "same" } : one)) };
      },
    },
    seen: /and the directory has|runs at|nowhere/,
  },
  {
    wrong: "a source that lost the process goes on with it",
    rules: {
      sourceStep: (state, event) =>
        state.kind === "reclaiming" && event.kind === "reclaimLost"
          ? { state: { kind: "stayed", reason: "wrong" }, actions: [{ do: "thaw", epoch: "next" }] }
          : sourceStep(state, event),
    },
    seen: /runs at|and had come to/,
  },
  {
    wrong: "a source lets go of the process when its target is silent",
    rules: {
      sourceStep: (state, event) =>
        state.kind === "handing" && event.kind === "peerLost"
          ? { state: { kind: "moved" }, actions: [{ do: "forward" }] }
          : sourceStep(state, event),
    },
    seen: /runs nowhere/,
  },
  {
    wrong: "a source that stays does not go on",
    rules: {
      sourceStep: (state, event) => {
        const step = sourceStep(state, event);
        return state.kind === "stayed" ? { ...step, actions: [] } : step;
      },
    },
    seen: /nowhere|frozen|did not run/,
  },
  {
    wrong: "a target runs the process before it has claimed it",
    rules: {
      targetStep: (state, event) =>
        state.kind === "preparing" && event.kind === "prepared"
          ? { state: { kind: "running" }, actions: [{ do: "run" }, { do: "tellTaken" }] }
          : targetStep(state, event),
    },
    seen: /runs at/,
  },
  {
    wrong: "a target takes a claim without an answer for won",
    rules: {
      targetStep: (state, event) => targetStep(state, event.kind === "claimUnknown" ? { kind: "claimed" } : event),
    },
    seen: /runs at|and had come to/,
  },
  {
    wrong: "a target gives up while its claim is under way",
    rules: {
      targetStep: (state, event) =>
        state.kind === "claiming" && event.kind === "peerLost"
          ? { state: { kind: "dropped", reason: "wrong" }, actions: [{ do: "drop" }] }
          : targetStep(state, event),
    },
    seen: /runs nowhere/,
  },
  {
    wrong: "a write whose answer was lost is not known again",
    rules: {
      ruleOnClaim: (present, from, next) => ruleOnClaim(present && { ...present, cause: "forgotten" }, from, next),
    },
    seen: /runs nowhere/,
  },
  {
    wrong: "whoever finds no entry makes one",
    rules: {
      ruleOnClaim: (present, from, next) => (present === undefined ? "write" : ruleOnClaim(present, from, next)),
    },
    seen: /after its end|and had come to|runs at|under epoch/,
  },
  {
    wrong: "a claim does not look at the epoch",
    rules: {
      ruleOnClaim: (present, from, next) =>
        ruleOnClaim(present, present?.node === from.node ? { ...from, epoch: present.epoch } : from, next),
    },
    seen: /under epoch|and had come to|runs at|runs nowhere/,
  },
  {
    wrong: "a node goes on when others may take it for dead",
    rules: { stopsWithoutLease: false },
    seen: /runs at/,
  },
];

for (const { wrong, rules, seen } of MUTANTS) {
  test(`it is found when ${wrong}`, (context) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      try {
        simulate({ seed, rules: { ...RULES, ...rules } });
      } catch (error) {
        assert.ok(error instanceof Violation, String(error));
        assert.match(error.message, seen);
        return context.diagnostic(`seed ${seed}: ${error.message}`);
      }
    }
    assert.fail("no seed finds it");
  });
}
