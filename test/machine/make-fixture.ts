/** Writes test/fixtures/image-v1.bin. Run it only for a new format version, under a new name: old images stay readable. */

import { writeFileSync } from "node:fs";
import { encodeImage } from "../../src/machine/image.ts";
import { FIXTURE } from "./samples.ts";

writeFileSync(
  new URL("../../../test/fixtures/image-v1.bin", import.meta.url),
  encodeImage(FIXTURE, { compress: true }),
);
