// Immutable changes by proxies: drafts, patches, maps and sets, classes.
import {
  applyPatches,
  createDraft,
  current,
  enableMapSet,
  enablePatches,
  finishDraft,
  immerable,
  isDraft,
  original,
  produce,
  produceWithPatches,
} from "immer";

enableMapSet();
enablePatches();
const base = {
  list: Array.from({ length: 30 }, (_, id) => ({ id, done: false })),
  map: new Map([["a", { n: 1 }]]),
  set: new Set([1, 2]),
  deep: { er: { est: [1] } },
};
const next = produce(base, (draft) => {
  for (const each of draft.list) if (each.id % 3 === 0) each.done = true;
  draft.list.push({ id: 99, done: true });
  draft.list.splice(2, 5);
  draft.map.get("a").n++;
  draft.map.set("b", { n: 2 });
  draft.set.delete(1);
  console.log(isDraft(draft.deep), original(draft.list).length, JSON.stringify(current(draft.map.get("a"))));
});
console.log(next.list.length, base.list.length, next.deep === base.deep, [...next.map].length, [...next.set].join());
console.log(Object.isFrozen(next), Object.isFrozen(next.list[0]));
const [patched, patches, inverse] = produceWithPatches(next, (draft) => {
  draft.deep.er.est[1] = 2;
  delete draft.list;
  draft.map.delete("a");
});
console.log(
  JSON.stringify(patches),
  JSON.stringify(inverse).length,
  JSON.stringify(applyPatches(next, patches).deep) === JSON.stringify(patched.deep),
);
console.log(applyPatches(patched, inverse).list.length);
class Clock {
  [immerable] = true;
  constructor(h, m) {
    this.h = h;
    this.m = m;
  }
  tick() {
    return produce(this, (draft) => void (draft.m = (draft.m + 1) % 60));
  }
}
let clock = new Clock(1, 57);
for (let n = 0; n < 5; n++) clock = clock.tick();
console.log(clock instanceof Clock, clock.m);
const draft = createDraft({ a: [] });
draft.a.push(1);
console.log(JSON.stringify(finishDraft(draft)));
try {
  next.list.push(1);
} catch (error) {
  console.log(error.name);
}
