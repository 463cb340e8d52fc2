/** A service of `godwit superserver`: each connection has a process, whose standard input and output it is. */

import { stdin, stdout } from "godwit";

for (const line of stdin.lines()) stdout.write(`${line.toUpperCase()}\n`);
