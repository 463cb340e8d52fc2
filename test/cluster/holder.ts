/** Holds a lease until it is killed, and says what becomes of it. */

import { type Place, connectTo } from "./place.ts";

const { place, name, ttlMs } = JSON.parse(process.argv[2] ?? "") as { place: Place; name: string; ttlMs: number };
const engine = await connectTo(place);
let isHeld = () => true;
let last = performance.now();
setInterval(() => {
  const now = performance.now();
  // The first thing after it was stopped: whether it still takes itself for the holder.
  if (now - last > ttlMs) console.log(`woke ${isHeld()}`);
  last = now;
}, 20);
const lease = await engine.leases.acquire(name, Buffer.from("holder"), { ttlMs });
isHeld = () => lease.held;
console.log(`token ${lease.token}`);
console.log(`lost ${(await lease.lost).message}`);
