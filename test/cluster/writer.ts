/** Writes as fast as it can, and says what was acknowledged, until it is killed. */

import { type Place, connectTo } from "./place.ts";

const { place, prefix } = JSON.parse(process.argv[2] ?? "") as { place: Place; prefix: string };
const engine = await connectTo(place);
const write = async (lane: number) => {
  for (let number = 0; ; number++) {
    const key = `${prefix}${lane}-${number}`;
    const revision = await engine.directory.create(key, Buffer.from(`value of ${key}`), { timeoutMs: 60_000 });
    console.log(`wrote ${JSON.stringify({ key, revision })}`);
  }
};
await Promise.all([0, 1, 2, 3].map(write));
